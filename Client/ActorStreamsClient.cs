using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Http;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client;

/// <summary>
/// Reads, watches and appends over a silo's HTTP interface, or over its Orleans cluster. One instance serves a whole program; all members
/// may be called by many threads at once. Every member throws <see cref="ActorStreamsException"/> when the silo refuses or is
/// unreachable.
/// </summary>
/// <remarks>
/// To read your own write, pass a position that the append answered:
/// <code>
/// var positions = await client.AppendAsync("orders", [new() { Key = "7", Value = order }]);
/// var state = await client.GetAsync&lt;Customer&gt;("customer", "42", new() { AtLeast = positions[0] });
/// </code>
/// </remarks>
public sealed class ActorStreamsClient : IDisposable
{
    private const int DefaultPageSize = 500;

    private readonly DatasetDirectory _directory;

    /// <summary>A client of the silo at a URL, e.g. <c>http://127.0.0.1:8080</c>.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public ActorStreamsClient(Uri url, ActorStreamsClientOptions? options = null)
        : this(options, checkedOptions => new HttpTransport(
            new(Tls.Handler(checkedOptions.CaFile))
            {
                BaseAddress = url, Timeout = TimeSpan.FromSeconds(checkedOptions.RequestTimeoutSeconds),
            }, checkedOptions, owns: true))
    {
    }

    /// <summary>A client over an HttpClient of the caller, which must have its BaseAddress set and which is not disposed.</summary>
    /// <exception cref="ArgumentException">An option is out of its range, or the HttpClient has no BaseAddress.</exception>
    public ActorStreamsClient(HttpClient http, ActorStreamsClientOptions? options = null)
        : this(options, checkedOptions => new HttpTransport(http, checkedOptions, owns: false))
    {
    }

    /// <summary>A client over any transport; the project <c>Client.Orleans</c> has another one.</summary>
    internal ActorStreamsClient(ActorStreamsClientOptions? options, Func<ActorStreamsClientOptions, ITransport> connect)
    {
        Options = options ?? new();
        Options.Validate();
        Transport = connect(Options);
        _directory = new(Transport, Options.TimeProvider, TimeSpan.FromSeconds(Options.DatasetCacheSeconds));
    }

    /// <summary>The silo's address; null over Orleans.</summary>
    public Uri? Url => (Transport as HttpTransport)?.Url;

    /// <summary>The calls for operators: silos, partitions, health and dead letters.</summary>
    /// <exception cref="NotSupportedException">The client uses Orleans. Operations need HTTP.</exception>
    public OperationsClient Operations => Transport is HttpTransport http
        ? new(http.Calls, this)
        : throw new NotSupportedException(
            "Operations use HTTP. Create a client with a silo's URL, or that of its operations port.");

    /// <summary>The builds of the datasets, and what may be done with them.</summary>
    public BuildsClient Builds => new(Transport);

    internal ActorStreamsClientOptions Options { get; }

    internal ITransport Transport { get; }

    /// <summary>The state of a key; null when it has none.</summary>
    /// <exception cref="ActorStreamsException">There is no such dataset, or <see cref="ReadOptions.AtLeast"/> was not reached in
    /// time (status 504).</exception>
    public async Task<DatasetState<T>?> GetAsync<T>(
        string dataset, string key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        var info = await _directory.ResolveAsync(dataset, cancellationToken).ConfigureAwait(false);
        return await Transport.GetAsync(info, key, options ?? new(), cancellationToken).ConfigureAwait(false) is { } body
            ? new(body.Dataset, body.Key, WireJson.Read<T>(
                body.State, Options.JsonSerializerOptions)!, body.Position, body.Time ?? default, body.Behind, body.Build)
            : null;
    }

    /// <summary>The keys of a dataset that begin with a prefix, with their states, in the order of their UTF-8 bytes.</summary>
    /// <remarks>Read page by page as it is enumerated: not a snapshot of one moment.</remarks>
    public async IAsyncEnumerable<DatasetItem<T>> ListAsync<T>(
        string dataset, string? prefix = null, int pageSize = DefaultPageSize,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var info = await _directory.ResolveAsync(dataset, cancellationToken).ConfigureAwait(false);
        string? after = null;
        do
        {
            var page = await Transport.ListAsync(info, prefix, after, pageSize, cancellationToken).ConfigureAwait(false);
            foreach (var item in page.Items)
                yield return new(item.Key, WireJson.Read<T>(item.State, Options.JsonSerializerOptions)!, item.Time);
            after = page.Next;
        }
        while (after is not null);
    }

    /// <summary>
    /// The state of a key, then every change to it as it happens, until cancelled; or, after <paramref name="since"/>, only the changes.
    /// </summary>
    /// <remarks>
    /// When the connection breaks or times out, the watch reconnects and resumes after the last event: none is left out, none comes
    /// twice. Only the first connection must succeed. When readers are moved to another build of the dataset, the state comes once more, as
    /// it is there.
    /// </remarks>
    /// <param name="dataset">The dataset.</param>
    /// <param name="key">The key.</param>
    /// <param name="since">An earlier event's <see cref="WatchEvent{T}.Id"/>; null begins with the state.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        string dataset, string key, string? since = null, CancellationToken cancellationToken = default) =>
        new Watcher<T>(Transport, _directory, Options, dataset, key).WatchAsync(since, cancellationToken);

    /// <summary>Appends records and answers the position of each, in order, once all are durable.</summary>
    /// <remarks>
    /// Sent in requests of at most 1,000 records and 1 MiB; each is taken as a whole or, for a bad record, refused as a whole. Nothing is
    /// sent twice: an append is not idempotent. <c>ExactLoader</c> continues after failures.
    /// </remarks>
    /// <exception cref="AppendOutcomeUnknownException">The connection broke, or the silo failed, after a request was sent.</exception>
    /// <exception cref="AppendRefusedException">A record cannot be taken.</exception>
    public async Task<IReadOnlyList<Position>> AppendAsync(
        string topic, IEnumerable<AppendRecord> records, CancellationToken cancellationToken = default)
    {
        List<Position> positions = [];
        await foreach (var position in AppendAsync(topic, records.ToAsyncEnumerable(), cancellationToken).ConfigureAwait(false))
            positions.Add(position);
        return positions;
    }

    /// <summary>The same for a stream of records: their positions come as they become durable.</summary>
    /// <inheritdoc cref="AppendAsync(string, IEnumerable{AppendRecord}, CancellationToken)" path="/remarks|/exception"/>
    public async IAsyncEnumerable<Position> AppendAsync(
        string topic, IAsyncEnumerable<AppendRecord> records, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var chunk in AppendChunk.SplitAsync(records, Options.JsonSerializerOptions, cancellationToken).ConfigureAwait(false))
        {
            foreach (var position in await Transport.AppendAsync(topic, chunk, null, cancellationToken).ConfigureAwait(false))
                yield return position;
        }
    }

    /// <summary>
    /// Appends records once, however often this is called with the same key and records: also by another process, over another silo, or
    /// after the silo that took the first call has crashed.
    /// </summary>
    /// <remarks>
    /// While no silo is reachable, or an earlier call may be under way, it is sent again until
    /// <see cref="ActorStreamsClientOptions.RequestTimeoutSeconds"/> are over. A silo keeps a key for <c>Silo:IdempotencyKeyHours</c> (24).
    /// All records are sent in one request: at most 1,000, and 1 MiB unless it is one.
    /// </remarks>
    /// <param name="topic">A source topic.</param>
    /// <param name="records">The records; a call that repeats another has the same ones.</param>
    /// <param name="idempotencyKey">The key, such as a UUID: 1 to 255 characters of printable ASCII.</param>
    /// <param name="cancellationToken">Ends the attempts; the records may be appended all the same.</param>
    /// <exception cref="ArgumentException">The key has another form, or the records are too many for one request.</exception>
    /// <exception cref="AppendRefusedException">A record cannot be taken.</exception>
    /// <exception cref="ActorStreamsException">Status 422: the key was sent for other records. Any other status, or none: the failure of
    /// the last attempt; calling again with the same key is safe.</exception>
    public async Task<IReadOnlyList<Position>> AppendOnceAsync(
        string topic, IEnumerable<AppendRecord> records, string idempotencyKey, CancellationToken cancellationToken = default)
    {
        if (IdempotencyKeys.FaultOf(idempotencyKey) is { } fault)
            throw new ArgumentException(fault, nameof(idempotencyKey));
        var chunks = AppendChunk.SplitAsync(records.ToAsyncEnumerable(), Options.JsonSerializerOptions, cancellationToken);
        var chunk = new AppendChunk();
        await foreach (var next in chunks.ConfigureAwait(false))
        {
            if (chunk.Records.Count > 0)
            {
                throw new ArgumentException(
                    $"The records are more than the {AppendChunk.MaxRecords:N0}, or {AppendChunk.MaxBytes:N0} bytes, that one idempotency "
                    + "key is for. Append parts, each with a key of its own.", nameof(records));
            }

            chunk = next;
        }

        return await RepeatableAppend.SendAsync(Transport, Options, topic, chunk, idempotencyKey, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All datasets, as they are now.</summary>
    public Task<IReadOnlyList<DatasetInfo>> DatasetsAsync(CancellationToken cancellationToken = default) =>
        _directory.ListAsync(cancellationToken);

    /// <summary>Which dataset is derived from what.</summary>
    public Task<LineageInfo> LineageAsync(CancellationToken cancellationToken = default) => Transport.LineageAsync(cancellationToken);

    /// <summary>All topics of the log, with the offsets they hold now.</summary>
    public Task<IReadOnlyList<TopicInfo>> TopicsAsync(CancellationToken cancellationToken = default) =>
        Transport.TopicsAsync(cancellationToken);

    /// <summary>Reads records of a topic.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partition">One partition; null reads all, one after the other.</param>
    /// <param name="from">The first offset; null is the silo's default, 0.</param>
    /// <param name="limit">The most records to answer; null is the silo's default, 100.</param>
    /// <param name="follow">Wait for more at the end, with the partitions interleaved, until cancelled.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ConnectionLostException">The connection broke while reading.</exception>
    public IAsyncEnumerable<LogRecord> ReadRecordsAsync(
        string topic, int? partition = null, long? from = null, int? limit = null, bool follow = false,
        CancellationToken cancellationToken = default) =>
        Transport.ReadRecordsAsync(topic, partition, from, limit, follow, cancellationToken);

    /// <summary>True when the silo says it is ready to serve.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await Transport.IsReadyAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException)
        {
            return false;
        }
    }

    /// <summary>Closes the connections, where the client made its own HttpClient.</summary>
    public void Dispose() => Transport.Dispose();
}
