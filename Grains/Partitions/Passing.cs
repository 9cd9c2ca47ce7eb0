using Orleans.Runtime;
using Orleans.Runtime.Messaging;

namespace ActorStreams.Grains.Partitions;

/// <summary>Calls that meet a partition on its way from one silo to another, or a silo that has just died: they are made again, for a while, so that readers do not see it.</summary>
internal static class Passing
{
    /// <summary>How long such a call is made again: a silo that died is noticed, and replaced, meanwhile.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(25);

    /// <summary>True for what passes when the cluster has settled.</summary>
    internal static bool IsPassing(Exception error) =>
        error is PartitionUnavailableException or SiloUnavailableException or OrleansMessageRejectionException or ConnectionFailedException;

    /// <summary>Makes a call that has no effect but its answer.</summary>
    internal static async Task<T> RetryAsync<T>(this TimeProvider time, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception error) when (IsPassing(error) && time.GetElapsedTime(begin) < Patience)
            {
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }
}
