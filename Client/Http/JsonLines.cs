using System.Text.Json;
using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Http;

/// <summary>Reads an NDJSON answer, a value a line, as it arrives.</summary>
internal sealed class JsonLines(HttpCalls calls, string path, HttpResponseMessage response) : IDisposable
{
    private StreamReader? _reader;

    /// <summary>The next value; null at the end.</summary>
    public async ValueTask<T?> NextAsync<T>(CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            _reader ??= new(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
            while (await _reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (line.Length > 0)
                    return JsonSerializer.Deserialize<T>(line, WireJson.Options);
            }

            return null;
        }
        catch (JsonException e)
        {
            throw calls.NotOurs(path, e);
        }
        catch (Exception e) when (calls.Translate(e, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    public void Dispose() => _reader?.Dispose();
}
