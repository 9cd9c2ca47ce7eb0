namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>
/// Runs the tasks of one silo, each when the simulation picks it. Every await of the silo's code is a task of its own here.
/// </summary>
internal sealed class SimScheduler(Simulation simulation) : TaskScheduler
{
    private readonly List<Task> _queue = [];
    private bool _isStopped;

    internal int Count => _queue.Count;

    /// <summary>Runs one of the tasks that wait.</summary>
    internal void Run(int index)
    {
        var task = _queue[index];
        _queue.RemoveAt(index);
        TryExecuteTask(task);
    }

    /// <summary>The silo has crashed: nothing of it ever runs again.</summary>
    internal void Stop()
    {
        _isStopped = true;
        _queue.Clear();
    }

    protected override void QueueTask(Task task)
    {
        simulation.RequireThread("A task was queued");
        if (!_isStopped)
            _queue.Add(task);
    }

    /// <summary>Never: then every continuation is an event of its own, before which the silo can crash.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _queue;
}
