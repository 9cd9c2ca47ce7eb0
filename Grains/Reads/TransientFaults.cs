using Orleans.Runtime;
using Orleans.Runtime.Messaging;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// Faults that end by themselves: a partition is on its way from one silo to another, or its silo has just died. Calls that meet one are
/// retried for a while, so that readers do not see it.
/// </summary>
public static class TransientFaults
{
    /// <summary>How long such a call is retried: meanwhile a dead silo is detected and replaced.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(25);

    /// <summary>True for a fault that ends when the cluster has settled.</summary>
    public static bool IsTransient(Exception error) =>
        error is PartitionUnavailableException or SiloUnavailableException or OrleansMessageRejectionException or ConnectionFailedException;

    /// <summary>Makes a call that has no effect but its answer, and retries it while the fault is transient.</summary>
    public static async Task<T> RetryAsync<T>(this TimeProvider time, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception error) when (IsTransient(error) && time.GetElapsedTime(begin) < Patience)
            {
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }
}
