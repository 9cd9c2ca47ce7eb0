using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains.Reads;

/// <summary>Failures that a caller can do something about, in a form for both HTTP and clients of the cluster.</summary>
public static class Refusals
{
    /// <summary>The refusal for a failure; null for a failure that is a bug of the system.</summary>
    public static RequestRefusedException? Of(Exception failure) => failure switch
    {
        RequestRefusedException refused => refused,
        LogUnavailableException => new(503, "The change log is unavailable", failure.Message),
        StoreUnavailableException => new(503, "The state store is unavailable", failure.Message),
        WatchBrokenException or TimeoutException => new(503, "The partition is unavailable", failure.Message),
        _ when TransientFaults.IsTransient(failure) => new(503, "The partition is unavailable", failure.Message),
        WatchPositionException => new(400, "The position does not exist", failure.Message),
        UnknownTopicException => new(404, "No such topic", failure.Message),
        OffsetOutOfRangeException => new(400, "No such offset", failure.Message),
        _ => null,
    };

    /// <summary>The refusal of a name that is no dataset's.</summary>
    public static RequestRefusedException NoSuchDataset(Topology topology, string name)
    {
        var names = string.Join(", ", topology.Datasets.Select(dataset => dataset.Name));
        return new(404, "No such dataset", $"There is no dataset '{name}'. There are: {names}.");
    }

    /// <summary>Does something for a caller on the wire. Exceptions of the core cannot cross it, and become refusals.</summary>
    internal static async Task<T> OrRefuseAsync<T>(Task<T> work)
    {
        try
        {
            return await work;
        }
        catch (Exception failure) when (failure is not RequestRefusedException && Of(failure) is { } refused)
        {
            throw refused;
        }
    }
}
