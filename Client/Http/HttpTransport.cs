using System.Net;
using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Http;

/// <summary>Asks a silo over HTTP.</summary>
internal sealed class HttpTransport : ITransport
{
    private readonly HttpClient? _owned;
    private readonly HttpCalls _calls;
    private readonly ActorStreamsClientOptions _options;
    private readonly AppendCall _appender;

    /// <param name="http">What is asked with.</param>
    /// <param name="options">How.</param>
    /// <param name="owns">Whether it is closed with this.</param>
    internal HttpTransport(HttpClient http, ActorStreamsClientOptions options, bool owns) =>
        (_owned, _calls, _options, _appender) =
            (owns ? http : null, new(http, options.Token), options, new(new HttpCalls(http, options.Token)));

    public string Place => Url.ToString();

    internal Uri Url => _calls.Url;

    internal HttpCalls Calls => _calls;

    public async Task<StateAnswer?> GetAsync(DatasetInfo dataset, string key, ReadOptions options, CancellationToken cancellationToken)
    {
        var timeout = options.TimeoutSeconds?.ToString(CultureInfo.InvariantCulture);
        try
        {
            return await _calls.GetAsync<StateAnswer>(
                Paths.Key(
                    dataset, key,
                    [.. options.Positions.Select(position => ("atLeast", (string?)position.ToString())), ("timeoutSeconds", timeout)]),
                cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null; // the dataset is known to exist, so it is the key that does not
        }
    }

    public Task<PageAnswer> ListAsync(DatasetInfo dataset, string? prefix, string? after, int limit, CancellationToken cancellationToken) =>
        _calls.GetAsync<PageAnswer>(
            Paths.Dataset(dataset) + Paths.Query(
                ("prefix", prefix), ("after", after), ("limit", limit.ToString(CultureInfo.InvariantCulture))), cancellationToken);

    public async Task<IWatchConnection> WatchAsync(DatasetInfo dataset, string key, string? since, CancellationToken cancellationToken) =>
        await EventConnection.OpenAsync(
            _calls, Paths.Key(dataset, key, ("watch", "true"), ("since", since)), TimeSpan.FromSeconds(_options.HeartbeatTimeoutSeconds),
            _options.TimeProvider, cancellationToken).ConfigureAwait(false);

    public Task<IReadOnlyList<Position>> AppendAsync(
        string topic, AppendChunk chunk, string? idempotencyKey, CancellationToken cancellationToken) =>
        _appender.SendAsync(topic, chunk, idempotencyKey, cancellationToken);

    public async Task<IReadOnlyList<DatasetInfo>> DatasetsAsync(CancellationToken cancellationToken) =>
        await _calls.GetAsync<DatasetInfo[]>("api/datasets", cancellationToken).ConfigureAwait(false);

    public Task<LineageInfo> LineageAsync(CancellationToken cancellationToken) =>
        _calls.GetAsync<LineageInfo>("api/lineage", cancellationToken);

    public async Task<IReadOnlyList<TopicInfo>> TopicsAsync(CancellationToken cancellationToken) =>
        await _calls.GetAsync<TopicInfo[]>("api/topics", cancellationToken).ConfigureAwait(false);

    public async IAsyncEnumerable<LogRecord> ReadRecordsAsync(
        string topic, int? partition, long? from, int? limit, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var path = Paths.Records(topic) + Paths.Query(
            ("partition", partition?.ToString(CultureInfo.InvariantCulture)),
            ("from", from?.ToString(CultureInfo.InvariantCulture)),
            ("limit", limit?.ToString(CultureInfo.InvariantCulture)),
            ("follow", follow ? "true" : null));
        using var response = await _calls.SendAsync(
            HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        using var lines = new JsonLines(_calls, path, response);
        while (await lines.NextAsync<LogRecord>(cancellationToken).ConfigureAwait(false) is { } record)
            yield return record;
    }

    public async Task<IReadOnlyList<BuildInfo>> BuildsAsync(CancellationToken cancellationToken) =>
        await _calls.GetAsync<BuildInfo[]>("api/builds", cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<BuildInfo>> ChangeAsync(BuildChange change, CancellationToken cancellationToken) =>
        await _calls.OperateAsync<BuildInfo[]>(Paths.Change(change), null, cancellationToken).ConfigureAwait(false);

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        using var response = await _calls.SendAsync(
            HttpMethod.Get, "health/ready", null, HttpCompletionOption.ResponseContentRead, cancellationToken).ConfigureAwait(false);
        return true;
    }

    public void Dispose() => _owned?.Dispose();
}
