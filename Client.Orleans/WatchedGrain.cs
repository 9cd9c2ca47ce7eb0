using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Grains;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Cluster;

/// <summary>One watch of a grain. Orleans requests further items by call, so a dead silo is detected without heartbeats.</summary>
internal sealed class WatchedGrain(
    string dataset, IAsyncEnumerable<WatchReply> watch, CancellationToken cancellationToken) : IWatchConnection
{
    private readonly IAsyncEnumerator<WatchReply> _replies = watch.GetAsyncEnumerator(cancellationToken);

    public async ValueTask<WatchItem?> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _replies.MoveNextAsync().ConfigureAwait(false) ? Item(_replies.Current) : null;
        }
        catch (Exception e) when (ClusterCalls.Translate(e) is { } failure)
        {
            // Below 500 it is the watch that is wrong; anything else passes, and the watch is resumed.
            if (failure.Status < HttpStatusCode.InternalServerError)
                throw failure;
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _replies.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (ClusterCalls.Translate(e) is not null || e is OperationCanceledException)
        {
            // The silo that would be notified is gone, and the watch with it.
        }
    }

    private WatchItem Item(WatchReply reply) => reply.State is { } state
        ? new(ClusterTransport.Body(dataset, state), null, state.ToChangePosition().ToString())
        : new(null, Body(reply.Change!), reply.Change!.ToChangePosition().ToString());

    private static ChangeAnswer Body(ChangeReply change) => new(
        change.Key, RawJson.Of(change.Before), RawJson.Of(change.After),
        new(change.Position.Topic, change.Position.Partition, change.Position.Offset, change.Index),
        new(change.Trigger.ToPosition(), change.Root.ToPosition()), ClusterTransport.TimeOf(change.Timestamp), change.Build);
}
