using System.Net.ServerSentEvents;

namespace ActorStreams.Client.Wire;

/// <summary>One connection of a watch. It ends as connections do: <see cref="NextAsync"/> then answers null, whatever the reason.</summary>
internal sealed class EventConnection : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly HttpCalls _calls;
    private readonly IAsyncEnumerator<SseItem<string>> _items;

    private EventConnection(HttpResponseMessage response, Stream stream, HttpCalls calls, CancellationToken cancellationToken)
    {
        _response = response;
        _calls = calls;
        _items = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }

    public static async Task<EventConnection> OpenAsync(HttpCalls calls, string path, TimeSpan heartbeat, TimeProvider time, CancellationToken cancellationToken)
    {
        var response = await calls.SendAsync(HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return new(response, new IdleTimeoutStream(stream, heartbeat, time), calls, cancellationToken);
    }

    public async ValueTask<SseItem<string>?> NextAsync(CancellationToken cancellationToken)
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

    public void Dispose() => _response.Dispose();
}
