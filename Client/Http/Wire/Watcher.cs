using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ActorStreams.Client.Wire;

/// <summary>
/// Watches a key over any number of connections. Each new connection asks for what comes after the last event that was yielded, so
/// the events of one watch have no gap; an event at or before that place is dropped, so there is no repeat.
/// </summary>
internal sealed class Watcher<T>(HttpCalls calls, DatasetDirectory directory, ActorStreamsClientOptions options, string dataset, string key)
{
    private readonly TimeSpan _heartbeat = TimeSpan.FromSeconds(options.HeartbeatTimeoutSeconds);
    private ChangePosition? _last;

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync(string? since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The first connection must succeed, so that a wrong name or address is told at once. Later ones are tried until cancelled.
        var connection = await ConnectAsync(since, cancellationToken).ConfigureAwait(false);
        for (var failures = 0; ; failures++)
        {
            using (connection)
            {
                while (connection is not null && await connection.NextAsync(cancellationToken).ConfigureAwait(false) is { } item)
                {
                    if (Read(item) is not { } next)
                        continue;
                    failures = 0;
                    since = next.Id is "" ? since : next.Id;
                    _last = next.Position ?? _last;
                    yield return next;
                }
            }

            await Task.Delay(Backoff(failures), options.TimeProvider, cancellationToken).ConfigureAwait(false);
            connection = await TryConnectAsync(since, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<EventConnection> ConnectAsync(string? since, CancellationToken cancellationToken)
    {
        var info = await directory.ResolveAsync(dataset, cancellationToken).ConfigureAwait(false);
        var path = Paths.Key(info, key, ("watch", "true"), ("since", since));
        return await EventConnection.OpenAsync(calls, path, _heartbeat, options.TimeProvider, cancellationToken).ConfigureAwait(false);
    }

    private async Task<EventConnection?> TryConnectAsync(string? since, CancellationToken cancellationToken)
    {
        try
        {
            return await ConnectAsync(since, cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (e.Status is null or >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests)
        {
            return null; // the silo is away or overloaded: it may come back
        }
    }

    // Half of the wait is random, so that the watches a silo lost do not come back all at once.
    private TimeSpan Backoff(int failures)
    {
        var most = Math.Min(options.ReconnectMaxMilliseconds, options.ReconnectMinMilliseconds * Math.Pow(2, Math.Min(failures, 30)));
        return TimeSpan.FromMilliseconds(most * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    private WatchEvent<T>? Read(SseItem<string> item)
    {
        try
        {
            return item.EventType switch
            {
                "state" => ReadState(item),
                "change" => ReadChange(item),
                "error" => throw Failure(item.Data),
                _ => null, // a kind of event that a later silo may send
            };
        }
        catch (JsonException e)
        {
            throw calls.NotOurs($"(watching '{dataset}')", e);
        }
    }

    private WatchEvent<T>? ReadState(SseItem<string> item)
    {
        if (_last is not null)
            return null;
        var body = Parse<StateBody>(item.Data);
        var index = item.EventId?.Split(':') is [_, _, var text] && int.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
        return new()
        {
            Kind = WatchEventKind.State,
            Id = item.EventId ?? "",
            Key = body.Key,
            After = WireJson.Read<T>(body.State, options.JsonSerializerOptions),
            Position = body.Position is { } p ? new(p.Topic, p.Partition, p.Offset, index) : null,
            Time = body.Time,
        };
    }

    private WatchEvent<T>? ReadChange(SseItem<string> item)
    {
        var body = Parse<ChangeBody>(item.Data);
        var at = body.Position;
        if (_last is { } last && last.Partition == at.Partition && (at.Offset, at.Index).CompareTo((last.Offset, last.Index)) <= 0)
            return null;
        return new()
        {
            Kind = WatchEventKind.Change,
            Id = item.EventId ?? string.Create(CultureInfo.InvariantCulture, $"{at.Partition}:{at.Offset}:{at.Index}"),
            Key = body.Key,
            Before = WireJson.Read<T>(body.Before, options.JsonSerializerOptions),
            After = WireJson.Read<T>(body.After, options.JsonSerializerOptions),
            Position = at,
            Cause = body.Cause,
            Time = body.Time,
        };
    }

    private static ActorStreamsException Failure(string data)
    {
        var problem = Parse<ProblemBody>(data);
        return new(problem.Detail ?? problem.Title ?? data, (HttpStatusCode?)problem.Status, problem.Title);
    }

    private static TBody Parse<TBody>(string data) =>
        JsonSerializer.Deserialize<TBody>(data, WireJson.Options) ?? throw new JsonException("The event is null.");
}
