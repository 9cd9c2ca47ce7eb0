using ActorStreams.Definitions;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// Lets readers in as long as this build is the one that they are to get. While readers are moved from one build to another they wait here,
/// so that nobody reads the old one after somebody has read the new (semantics §7).
/// </summary>
internal sealed class ReadGate(PartitionServices services, Dataset dataset)
{
    /// <summary>
    /// The longest that readers wait. Then the catalog says which build counts: whoever held them may have ended.
    /// </summary>
    internal static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private TaskCompletionSource? _held;

    private bool IsServed => services.Topology.TryGet(dataset.Name, out var active) && active.Build == dataset.Build;

    /// <summary>Readers wait from now on, until <see cref="ReleaseAsync"/>, or for <see cref="MaxHold"/>.</summary>
    internal void Hold()
    {
        lock (_gate)
        {
            if (_held is not null)
                return;
            _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _ = LimitAsync(_held);
    }

    /// <summary>Readers are let in, or sent to the build that counts now.</summary>
    /// <returns>Whether this build is the one.</returns>
    internal async Task<bool> ReleaseAsync(CancellationToken cancellationToken)
    {
        await services.FollowBuilds(cancellationToken);
        lock (_gate)
        {
            _held?.TrySetResult();
            _held = null;
        }

        return IsServed;
    }

    /// <summary>Returns at once, unless readers are held.</summary>
    /// <exception cref="SupersededException">Readers get another build.</exception>
    internal async ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _held) is { } held)
            await held.Task.WaitAsync(cancellationToken);
        if (IsServed)
            return;
        // This process may not have heard yet that it is.
        await services.FollowBuilds(cancellationToken);
        if (!IsServed)
            throw new SupersededException($"Readers of {dataset} get another build than {dataset.Build}.");
    }

    private async Task LimitAsync(TaskCompletionSource held)
    {
        using var limit = new CancellationTokenSource();
        await Task.WhenAny(held.Task, Task.Delay(MaxHold, services.Time, limit.Token));
        await limit.CancelAsync();
        while (!held.Task.IsCompleted)
        {
            try
            {
                await ReleaseAsync(CancellationToken.None);
            }
            catch (Exception)
            {
                // The store is away, and only it knows which build counts: readers wait on.
                await Task.Delay(TimeSpan.FromMilliseconds(100), services.Time, CancellationToken.None);
            }
        }
    }
}

/// <summary>Readers get another build of the dataset. Look up which, and ask that one.</summary>
internal sealed class SupersededException(string message) : Exception(message);
