using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Http;

/// <summary>Sends requests, and turns every way they fail into an exception of ours that says what the caller can do.</summary>
internal sealed class HttpCalls(HttpClient http, Func<string?>? token = null)
{
    private const int MaxProblemCharacters = 500;

    /// <summary>The silo's address, ending with a slash.</summary>
    public Uri Url { get; } = http.BaseAddress is { } address
        ? new(address.AbsoluteUri.TrimEnd('/') + "/")
        : throw new ArgumentException("The HttpClient has no BaseAddress: set it to the silo's URL, e.g. http://127.0.0.1:8080.");

    /// <summary>Sends a request and answers once the headers of a successful response are there.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, HttpCompletionOption completion, CancellationToken cancellationToken,
        (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(method, UriOf(path)) { Content = content };
        if (header is { } one)
            request.Headers.Add(one.Name, one.Value);
        if (token?.Invoke() is { Length: > 0 } shown)
            request.Headers.Authorization = Bearer(shown);
        try
        {
            var response = await http.SendAsync(request, completion, cancellationToken).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw await ProblemAsync(response, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(e, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Reads a whole JSON answer.</summary>
    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Get, path, null, HttpCompletionOption.ResponseContentRead, cancellationToken).ConfigureAwait(false);
        return await ReadAsync<T>(path, response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Changes something that is for operators, once, and reads the whole JSON answer.</summary>
    public async Task<T> OperateAsync<T>(string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Post, path, content, HttpCompletionOption.ResponseContentRead, cancellationToken,
            ("X-ActorStreams", "operate")).ConfigureAwait(false);
        return await ReadAsync<T>(path, response, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> ReadAsync<T>(string path, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(WireJson.Options, cancellationToken).ConfigureAwait(false)
                ?? throw new JsonException("The answer is null.");
        }
        catch (JsonException e)
        {
            throw NotOurs(path, e);
        }
    }

    /// <summary>The error for an answer that does not keep to the contract.</summary>
    public ActorStreamsException NotOurs(string path, Exception e) => new(
        $"What {Url}{path} answered is not what an ActorStreams silo answers: {e.Message} Check the URL, "
        + "and that client and silo are of one version.",
        innerException: e);

    /// <summary>The exception of ours for a failure of the transport; null for all others, which pass.</summary>
    public ActorStreamsException? Translate(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } e =>
            new SiloUnreachableException(Url, (e.InnerException ?? e).Message, e),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } e => new ActorStreamsException(
            $"{Url.GetLeftPart(UriPartial.Authority)} is not believed: {Sentence((e.InnerException ?? e).Message)} Name its authority "
            + "with --ca (CaFile), and reach it by a name that its certificate has.", innerException: e),
        HttpRequestException or IOException =>
            new ConnectionLostException(Url.GetLeftPart(UriPartial.Authority), Sentence(failure.Message), failure),
        OperationCanceledException { InnerException: TimeoutException } when !cancellationToken.IsCancellationRequested =>
            new ConnectionLostException(
                Url.GetLeftPart(UriPartial.Authority), $"there was no answer within {http.Timeout.TotalSeconds:N0} seconds.", failure),
        _ => null,
    };

    // A key may hold any character. Without canonicalization off, System.Uri would drop segments like "." (a folder's key).
    private Uri UriOf(string path) =>
        new(Url.AbsoluteUri + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    /// <summary>A text that can be no token is not repeated: it may be part of one.</summary>
    private static AuthenticationHeaderValue Bearer(string token) => token.AsSpan().ContainsAnyExceptInRange('!', '~')
        ? throw new ActorStreamsException(
            "The token has characters that no token has, such as a space or the end of a line. Give the token alone.")
        : new("Bearer", token);

    private async Task<ActorStreamsException> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var problem = TryRead(text);
        var detail = problem?.Detail ?? problem?.Title ?? Plain(response, text);
        if (problem?.Errors is [var first, ..])
            return new AppendRefusedException(detail, first.Line, first.Error, response.StatusCode, problem.Title);
        return new(detail, response.StatusCode, problem?.Title);
    }

    private string Plain(HttpResponseMessage response, string text)
    {
        var start = text.Length > MaxProblemCharacters ? text[..MaxProblemCharacters] + "…" : text;
        return $"{Url} answered {(int)response.StatusCode} {response.ReasonPhrase}. {start}".TrimEnd();
    }

    private static Problem? TryRead(string text)
    {
        try
        {
            return text.AsSpan().TrimStart().StartsWith("{") ? JsonSerializer.Deserialize<Problem>(text, WireJson.Options) : null;
        }
        catch (JsonException)
        {
            return null; // a proxy's page, not a problem of ours: the caller shows its start
        }
    }

    private static string Sentence(string message) => message.EndsWith('.') ? message : message + ".";
}
