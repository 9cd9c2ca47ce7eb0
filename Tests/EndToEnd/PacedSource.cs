using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// A source that gives its records only as far as it has been opened: so that a load lasts until a test has done all it wants to do to it.
/// </summary>
internal sealed class PacedSource(LoadSource source) : LoadSource
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _open;

    public override string Unit => source.Unit;

    public override long Done => source.Done;

    public override Task OpenAsync(CancellationToken cancellationToken = default) => source.OpenAsync(cancellationToken);

    /// <summary>Lets the records before this one pass.</summary>
    internal void OpenTo(long record)
    {
        lock (_gate)
        {
            _open = record;
            _moved.TrySetResult();
            _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public override async IAsyncEnumerable<AppendRecord> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var number = 0L;
        await foreach (var record in source.ReadAsync(cancellationToken))
        {
            while (Waiting(number) is { } moved)
                await moved.WaitAsync(cancellationToken);
            yield return record;
            number++;
        }
    }

    private Task? Waiting(long number)
    {
        lock (_gate)
            return number < _open ? null : _moved.Task;
    }
}
