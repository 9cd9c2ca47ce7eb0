using System.Net;
using System.Runtime.CompilerServices;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>
/// Watches a key over any number of connections. Each new connection resumes after the last event that was yielded, so the events of one
/// watch have no gap; an event at or before that place is dropped, so there is no repeat. Places of different builds have no order: where
/// readers were moved to another build, the watch continues with the state there.
/// </summary>
internal sealed class Watcher<T>(
    ITransport transport, DatasetDirectory directory, ActorStreamsClientOptions options, string dataset, string key)
{
    /// <summary>
    /// How long a silo may refuse a position that an event of this watch had. A silo that has just taken the partition over may not
    /// have read that far; one that still refuses it then has another log.
    /// </summary>
    private static readonly TimeSpan PositionRefusedFor = TimeSpan.FromSeconds(30);

    private ChangePlace? _last;
    private int _build;
    private long? _refusedSince;

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync(string? since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The first connection must succeed, so that a wrong name or address is reported at once. Later ones are retried until cancelled.
        var connection = await ConnectAsync(since, cancellationToken).ConfigureAwait(false);
        for (var failures = 0; ; failures++)
        {
            if (connection is not null)
            {
                await using var open = connection.ConfigureAwait(false);
                while (await NextAsync(connection, cancellationToken).ConfigureAwait(false) is { } item)
                {
                    if (Read(item) is not { } next)
                        continue;
                    (failures, _refusedSince) = (0, null);
                    since = next.Id is "" ? since : next.Id;
                    (_last, _build) = (next.Position ?? _last, next.Build);
                    yield return next;
                }
            }

            await Task.Delay(Backoff.After(failures, options), options.TimeProvider, cancellationToken).ConfigureAwait(false);
            connection = await TryConnectAsync(since, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<WatchItem?> NextAsync(IWatchConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.NextAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (MayPass(e))
        {
            return null;
        }
    }

    /// <summary>Whether a refusal is transient: the silo is away or overloaded, or refuses a position of this watch itself.</summary>
    private bool MayPass(ActorStreamsException e)
    {
        if (e.Status is null or >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests)
            return true;
        if (e.Status != HttpStatusCode.BadRequest || _last is null)
            return false;
        var now = options.TimeProvider.GetTimestamp();
        _refusedSince ??= now;
        return options.TimeProvider.GetElapsedTime(_refusedSince.Value, now) < PositionRefusedFor;
    }

    private async Task<IWatchConnection> ConnectAsync(string? since, CancellationToken cancellationToken) => await transport.WatchAsync(
        await directory.ResolveAsync(dataset, cancellationToken).ConfigureAwait(false), key, since,
        cancellationToken).ConfigureAwait(false);

    private async Task<IWatchConnection?> TryConnectAsync(string? since, CancellationToken cancellationToken)
    {
        try
        {
            return await ConnectAsync(since, cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (MayPass(e))
        {
            return null; // the silo is away or overloaded: it may come back
        }
    }

    private WatchEvent<T>? Read(WatchItem item) => item switch
    {
        { State: { } state } => Read(state, item.Id),
        { Change: { } change } => Read(change, item.Id),
        _ => null,
    };

    private WatchEvent<T>? Read(StateAnswer body, string? id)
    {
        if (_last is not null && body.Build == _build)
            return null;
        var index = id?.Split(':') is [_, _, var text] && int.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
        return new()
        {
            Kind = WatchEventKind.State,
            Id = id ?? "",
            Key = body.Key,
            Build = body.Build,
            After = WireJson.Read<T>(body.State, options.JsonSerializerOptions),
            Position = new(body.Position.Topic, body.Position.Partition, body.Position.Offset, index),
            Time = body.Time,
        };
    }

    private WatchEvent<T>? Read(ChangeAnswer body, string? id)
    {
        var at = body.Position;
        if (_last is { } last && (body.Build, at.Partition) == (_build, last.Partition)
            && (at.Offset, at.Index).CompareTo((last.Offset, last.Index)) <= 0)
            return null;
        return new()
        {
            Kind = WatchEventKind.Change,
            Id = id ?? new ChangePosition(at.Partition, at.Offset, at.Index, body.Build).ToString(),
            Key = body.Key,
            Build = body.Build,
            Before = WireJson.Read<T>(body.Before, options.JsonSerializerOptions),
            After = WireJson.Read<T>(body.After, options.JsonSerializerOptions),
            Position = at,
            Cause = body.Cause,
            Time = body.Time,
        };
    }
}
