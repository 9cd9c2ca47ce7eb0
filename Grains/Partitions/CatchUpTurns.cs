namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Partitions that have been behind for a while fold in turns that leave one core free, so that those at the tail answer as fast as ever. Where none at the tail has anything to do, as in a
/// rebuild, nobody takes turns. They are fair: the views of a partition that is far behind get as many as the partition itself, which so does not run away from them.
/// </summary>
internal sealed class CatchUpTurns(TimeProvider time, int cores) : IDisposable
{
    /// <summary>A partition that has not been at its end for so long is catching up.</summary>
    internal static readonly TimeSpan CatchingUpAfter = TimeSpan.FromSeconds(1);

    /// <summary>How long after the last batch at the tail turns are still taken.</summary>
    internal static readonly TimeSpan TailIsQuietAfter = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turns = new(Math.Max(1, cores - 1));
    private long? _tailFolded;

    /// <summary>Waits for a turn, where one is needed.</summary>
    /// <param name="atEnd">When the partition was last at its end, as <see cref="TimeProvider.GetTimestamp"/>; null when never in this life.</param>
    /// <returns>To be disposed of when the batch is folded.</returns>
    internal async ValueTask<Turn> TakeAsync(long? atEnd)
    {
        if (atEnd is { } last && time.GetElapsedTime(last) < CatchingUpAfter)
        {
            _tailFolded = time.GetTimestamp();
            return default;
        }

        if (_tailFolded is not { } folded || time.GetElapsedTime(folded) >= TailIsQuietAfter)
            return default;
        await _turns.WaitAsync();
        return new(_turns);
    }

    public void Dispose() => _turns.Dispose();

    internal readonly struct Turn(SemaphoreSlim? turns) : IDisposable
    {
        public void Dispose() => turns?.Release();
    }
}
