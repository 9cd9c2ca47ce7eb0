using System.Net.ServerSentEvents;
using System.Net;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Http;

/// <summary>One connection of a watch, by server-sent events.</summary>
internal sealed class EventConnection : IWatchConnection
{
    private readonly HttpResponseMessage _response;
    private readonly HttpCalls _calls;
    private readonly string _path;
    private readonly IAsyncEnumerator<SseItem<string>> _items;

    private EventConnection(HttpResponseMessage response, Stream stream, HttpCalls calls, string path, CancellationToken cancellationToken)
    {
        (_response, _calls, _path) = (response, calls, path);
        _items = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }

    public static async Task<EventConnection> OpenAsync(
        HttpCalls calls, string path, TimeSpan heartbeat, TimeProvider time, CancellationToken cancellationToken)
    {
        var response = await calls.SendAsync(
            HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return new(response, new IdleTimeoutStream(stream, heartbeat, time), calls, path, cancellationToken);
    }

    public async ValueTask<WatchItem?> NextAsync(CancellationToken cancellationToken)
    {
        while (await MoveAsync(cancellationToken).ConfigureAwait(false) is { } item)
        {
            try
            {
                switch (item.EventType)
                {
                    case "state":
                        return new(Parse<StateAnswer>(item.Data), null, item.EventId);
                    case "change":
                        return new(null, Parse<ChangeAnswer>(item.Data), item.EventId);
                    case "error":
                        throw Failure(item.Data);
                    default:
                        break; // a kind of event that a later silo may send
                }
            }
            catch (JsonException e)
            {
                throw _calls.NotOurs(_path, e);
            }
        }

        return null;
    }

    public ValueTask DisposeAsync()
    {
        _response.Dispose();
        return default;
    }

    private async ValueTask<SseItem<string>?> MoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _items.MoveNextAsync().ConfigureAwait(false) ? _items.Current : null;
        }
        catch (Exception e) when (_calls.Translate(e, cancellationToken) is not null)
        {
            return null;
        }
    }

    private static ActorStreamsException Failure(string data)
    {
        var problem = Parse<Problem>(data);
        return new(problem.Detail ?? problem.Title ?? data, (HttpStatusCode?)problem.Status, problem.Title);
    }

    private static TBody Parse<TBody>(string data) =>
        JsonSerializer.Deserialize<TBody>(data, WireJson.Options) ?? throw new JsonException("The event is null.");
}
