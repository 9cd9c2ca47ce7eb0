using System.Net;
using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Grains;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Cluster;

/// <summary>Asks the grains, as a client of their Orleans cluster or from inside it.</summary>
internal sealed class ClusterTransport(IGrainFactory cluster, ActorStreamsClientOptions options) : ITransport
{
    private const int DefaultRecords = 100;
    private const double DefaultWaitSeconds = 5;

    /// <summary>
    /// The longest that one call waits for a position: well below the time that Orleans gives a call by default, 30 seconds.
    /// </summary>
    private const double MaxCallSeconds = 10;

    private readonly ClusterCalls _calls = new(options);

    public string Place => ClusterCalls.Place;

    private ICatalogGrain Catalog => cluster.GetGrain<ICatalogGrain>(0);

    private IBuildsGrain Builds => cluster.GetGrain<IBuildsGrain>(0);

    public async Task<StateAnswer?> GetAsync(DatasetInfo dataset, string key, ReadOptions read, CancellationToken cancellationToken)
    {
        var (started, wait) = (options.TimeProvider.GetTimestamp(), read.TimeoutSeconds ?? DefaultWaitSeconds);
        while (true)
        {
            var left = Math.Max(0, wait - options.TimeProvider.GetElapsedTime(started).TotalSeconds);
            var request = ReadRequest.For(read.Positions, Math.Min(left, MaxCallSeconds));
            var reply = await _calls.AskAsync(
                () => GrainOf(dataset, key).Get(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (reply.Reached)
                return reply.State is null ? null : Body(dataset.Name, reply);
            if (left <= MaxCallSeconds)
            {
                throw new ActorStreamsException(
                    $"After {wait:0.###} s {reply.Position.ToPosition()} is folded, but not yet {string.Join(", ", read.Positions)}. "
                    + "Ask again, or wait longer with TimeoutSeconds.",
                    HttpStatusCode.GatewayTimeout, "Position not reached");
            }
        }
    }

    public async Task<PageAnswer> ListAsync(
        DatasetInfo dataset, string? prefix, string? after, int limit, CancellationToken cancellationToken)
    {
        var page = await _calls.AskAsync(
            () => Catalog.List(dataset.Name, new(prefix ?? "", after, limit), cancellationToken), cancellationToken).ConfigureAwait(false);
        return new(dataset.Name,
        [
            .. page.Items.Select(item => new ItemAnswer(item.Key, RawJson.Of(item.State), TimeOf(item.Timestamp))),
        ], page.Next, page.Items.Count > 0 ? page.Items[0].Build : dataset.Build);
    }

    public Task<IWatchConnection> WatchAsync(DatasetInfo dataset, string key, string? since, CancellationToken cancellationToken)
    {
        if (!WatchRequest.TryParse(since, out var request, out var error))
            throw new ActorStreamsException(error!, HttpStatusCode.BadRequest, "Bad position");
        return Task.FromResult<IWatchConnection>(
            new WatchedGrain(dataset.Name, GrainOf(dataset, key).Watch(request, cancellationToken), cancellationToken));
    }

    public async Task<IReadOnlyList<Position>> AppendAsync(
        string topic, AppendChunk chunk, string? idempotencyKey, CancellationToken cancellationToken)
    {
        try
        {
            var lines = chunk.Body.ToArray();
            var reply = await ClusterCalls.OnceAsync(
                () => idempotencyKey is null
                    ? Catalog.Append(topic, lines, cancellationToken)
                    : Catalog.AppendOnce(topic, lines, idempotencyKey, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            if (reply.Errors is [var first, ..])
            {
                throw new AppendRefusedException(
                    $"{reply.Errors.Count} of {chunk.Records.Count} lines cannot be appended, so none was. The first: {first.Error}",
                    first.Line, first.Error, HttpStatusCode.BadRequest, "Bad records");
            }

            return [.. reply.Positions.Select(position => position.ToPosition())];
        }
        catch (ActorStreamsException e) when (e is ConnectionLostException || e.Status >= HttpStatusCode.InternalServerError)
        {
            throw new AppendOutcomeUnknownException(topic, chunk.Records.Count, e.Message, e.Status, e);
        }
    }

    public async Task<IReadOnlyList<DatasetInfo>> DatasetsAsync(CancellationToken cancellationToken) =>
        [.. (await DescribeAsync(withStatus: true, cancellationToken).ConfigureAwait(false)).Select(Info)];

    public async Task<LineageInfo> LineageAsync(CancellationToken cancellationToken)
    {
        List<DatasetInfo> datasets = [.. (await DescribeAsync(withStatus: false, cancellationToken).ConfigureAwait(false)).Select(Info)];
        var entities = datasets.Where(dataset => dataset.Kind == DatasetKind.Entity).ToList();
        return new(
            [.. entities.DistinctBy(entity => entity.Topic).Select(entity => new LineageTopic(entity.Topic, entity.Partitions))],
            [.. datasets.Select(dataset => new LineageDataset(dataset.Name, dataset.Kind, dataset.Version, dataset.Topic))],
            [
                .. entities.Select(entity => new LineageEdge(new(LineageNodeKind.Topic, entity.Topic), entity.Name)),
                .. datasets.SelectMany(
                    view => view.Sources.Select(source => new LineageEdge(new(LineageNodeKind.Dataset, source), view.Name))),
            ]);
    }

    public async Task<IReadOnlyList<TopicInfo>> TopicsAsync(CancellationToken cancellationToken)
    {
        var topics = await _calls.AskAsync(() => Catalog.Topics(cancellationToken), cancellationToken).ConfigureAwait(false);
        return [.. topics.Select(topic => new TopicInfo(
            topic.Topic,
            Words.TryParse<TopicKind>(topic.Kind, out var kind) ? kind : TopicKind.Unknown,
            [
                .. topic.Partitions.Select((offsets, number) => new PartitionOffsets(number, offsets.Start, offsets.End)),
            ], Partitioner(topic.Partitioner)))];
    }

    public async IAsyncEnumerable<LogRecord> ReadRecordsAsync(
        string topic, int? partition, long? from, int? limit, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (limit < 1)
            throw new ActorStreamsException($"limit is {limit}, but must be at least 1.", HttpStatusCode.BadRequest, "Bad limit");
        var found = (await TopicsAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(one => one.Topic == topic)
            ?? throw new ActorStreamsException(
                $"There is no topic '{topic}'. Create it, or correct the name.", HttpStatusCode.NotFound, "No such topic");
        var reader = new RecordReader(_calls, () => Catalog, found);
        var parts = reader.Parts(partition, from);
        long left = limit ?? (follow ? long.MaxValue : DefaultRecords);
        var records = follow ? reader.FollowAsync(parts, cancellationToken) : reader.ReadAsync(parts, left, cancellationToken);
        await foreach (var record in records.ConfigureAwait(false))
        {
            yield return record;
            if (--left == 0)
                yield break;
        }
    }

    public async Task<IReadOnlyList<BuildInfo>> BuildsAsync(CancellationToken cancellationToken) =>
        [.. (await _calls.AskAsync(() => Builds.Builds(), cancellationToken).ConfigureAwait(false)).Select(Info)];

    public async Task<IReadOnlyList<BuildInfo>> ChangeAsync(BuildChange change, CancellationToken cancellationToken) =>
    [
        .. (await ClusterCalls.OnceAsync(
            () => change.Act switch
            {
                BuildAct.Rebuild => Builds.Rebuild(change.Dataset!),
                BuildAct.Cutover => Builds.Cutover(change.Dataset),
                BuildAct.Rollback => Builds.Rollback(change.Dataset!),
                _ => Builds.Retire(change.Dataset!, change.Build),
            },
            cancellationToken).ConfigureAwait(false)).Select(Info),
    ];

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken) =>
        (await ClusterCalls.OnceAsync(() => Catalog.Datasets(withStatus: true, cancellationToken), cancellationToken).ConfigureAwait(false))
            .All(dataset => PartitionStateOf(dataset.Status!.Status) != PartitionState.Starting);

    public void Dispose()
    {
        // The cluster client is its owner's.
    }

    internal static StateAnswer Body(string dataset, StateReply reply) => new(
        dataset, reply.Key, RawJson.Of(reply.State), reply.Position.ToPosition(), reply.State is null ? null : TimeOf(reply.Timestamp),
        new(reply.BehindRecords, Math.Round(reply.BehindSeconds, 3)), reply.Build);

    internal static DateTimeOffset TimeOf(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private IStateGrain GrainOf(DatasetInfo dataset, string key) => dataset.Kind == DatasetKind.Entity
        ? cluster.GetGrain<IEntityGrain>($"{dataset.Name}/{key}")
        : cluster.GetGrain<IViewGrain>($"{dataset.Name}/{key}");

    private Task<IReadOnlyList<DatasetReply>> DescribeAsync(bool withStatus, CancellationToken cancellationToken) =>
        _calls.AskAsync(() => Catalog.Datasets(withStatus, cancellationToken), cancellationToken);

    private static DatasetInfo Info(DatasetReply dataset) => new(
        dataset.Name, dataset.Kind == "view" ? DatasetKind.View : DatasetKind.Entity, dataset.Version, dataset.Topic, dataset.Partitions,
        dataset.Sources, dataset.Status?.States ?? 0,
        dataset.Status is { } status ? new(status.BehindRecords, Math.Round(status.BehindSeconds, 3)) : null,
        PartitionStateOf(dataset.Status?.Status), dataset.Status?.Reason, Partitioner(dataset.Partitioner),
        dataset.Status?.MisplacedRecords ?? 0, dataset.Build);

    private static BuildInfo Info(BuildReply build) => new()
    {
        Dataset = build.Dataset, Build = build.Build, IsActive = build.IsActive, Version = build.Version, Topic = build.Topic,
        Status = Words.TryParse<BuildStatus>(build.Status, out var status) ? status : BuildStatus.Unknown,
        Sources = build.Sources, Why = build.Why, Made = TimeOf(build.Made), States = build.States, Progress = build.Progress,
        Folded = build.Folded, BehindRecords = build.Behind, RecordsPerSecond = build.RecordsPerSecond, SecondsLeft = build.SecondsLeft,
        Backfill = build.BackfillShare is { } share ? new(build.StatesSent, build.StatesToSend, build.Backfilled, share) : null,
        NotReady = build.NotReady, CutoverByCommand = build.CutoverByCommand,
        FrozenSince = build.FrozenSince is { } since ? TimeOf(since) : null,
    };

    private static PartitionState PartitionStateOf(string? status) =>
        Words.TryParse<PartitionState>(status, out var state) ? state : PartitionState.Unknown;

    // A partitioner that a newer silo knows is as good as unknown here.
    private static KeyPartitioner Partitioner(string name) =>
        Enum.TryParse<KeyPartitioner>(name, ignoreCase: true, out var partitioner) ? partitioner : KeyPartitioner.Unknown;
}
