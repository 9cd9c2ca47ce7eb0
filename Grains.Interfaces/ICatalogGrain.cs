namespace ActorStreams.Grains;

/// <summary>
/// What concerns no single key: which datasets and topics there are, lists, and the log itself. Address 0; any silo answers. Every answer
/// has a bound, so that no message grows large. A request that cannot be answered throws <see cref="RequestRefusedException"/>.
/// </summary>
[Alias("ActorStreams.ICatalogGrain")]
public interface ICatalogGrain : IGrainWithIntegerKey
{
    /// <summary>The datasets, sources first. Their status takes a query of every partition, so it is included only on request.</summary>
    [Alias("Datasets")]
    Task<IReadOnlyList<DatasetReply>> Datasets(bool withStatus, CancellationToken cancellationToken = default);

    /// <summary>The topics of the log, with the offsets of their partitions.</summary>
    [Alias("Topics")]
    Task<IReadOnlyList<TopicReply>> Topics(CancellationToken cancellationToken = default);

    /// <summary>A page of a dataset's states in key order: up to the limit, 1,000 states or 1 MiB, but one at least.</summary>
    [Alias("List")]
    Task<StatePageReply> List(string dataset, ListRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Appends records, given as the JSON lines that the HTTP interface takes: at most 1,000 lines, and 1 MiB unless it is one. They are
    /// checked as a whole first: with a bad line nothing is appended.
    /// </summary>
    [Alias("Append")]
    Task<AppendReply> Append(string topic, byte[] lines, CancellationToken cancellationToken = default);

    /// <summary>The same with an idempotency key: however often it is called with the same key and lines, they are appended once.</summary>
    /// <exception cref="RequestRefusedException">422: the key was sent for other lines. 409: an append with the key may be under way; call
    /// again.</exception>
    [Alias("AppendOnce")]
    Task<AppendReply> AppendOnce(string topic, byte[] lines, string idempotencyKey, CancellationToken cancellationToken = default);

    /// <summary>
    /// Records of one partition from an offset on, as JSON lines: up to 1,000 and 1 MiB, but one at least. At the end it waits for as
    /// long as requested, at most 10 seconds.
    /// </summary>
    [Alias("ReadRecords")]
    Task<RecordsReply> ReadRecords(RecordsRequest request, CancellationToken cancellationToken = default);
}

/// <summary>A dataset, with its status if requested.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.DatasetReply")]
public sealed record DatasetReply
{
    /// <summary>The name.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary><c>entity</c> or <c>view</c>.</summary>
    [Id(1)]
    public required string Kind { get; init; }

    /// <summary>The version of the definition.</summary>
    [Id(2)]
    public required int Version { get; init; }

    /// <summary>The input log.</summary>
    [Id(3)]
    public required string Topic { get; init; }

    /// <summary>Its partitions.</summary>
    [Id(4)]
    public required int Partitions { get; init; }

    /// <summary>The datasets it is folded from; empty for an entity.</summary>
    [Id(5)]
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary><c>murmur2</c>, <c>crc32</c> or <c>unknown</c>.</summary>
    [Id(6)]
    public required string Partitioner { get; init; }

    /// <summary>Its status; null when not requested.</summary>
    [Id(7)]
    public DatasetStatusReply? Status { get; init; }

    /// <summary>The build that readers get; 0 from a silo that knows none.</summary>
    [Id(8)]
    public int Build { get; init; }
}

/// <summary>How a dataset is doing: the sum of its partitions, and the worst status among them.</summary>
/// <param name="States">How many states there are.</param>
/// <param name="BehindRecords">Records still to fold.</param>
/// <param name="BehindSeconds">Seconds since the slowest partition had nothing left to fold.</param>
/// <param name="Status">As <see cref="PartitionStatus.Status"/>.</param>
/// <param name="Reason">Why it waits or stopped.</param>
/// <param name="MisplacedRecords">Records folded whose key belongs to another partition.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.DatasetStatusReply")]
public sealed record DatasetStatusReply(
    [property: Id(0)] long States, [property: Id(1)] long BehindRecords, [property: Id(2)] double BehindSeconds,
    [property: Id(3)] string Status, [property: Id(4)] string? Reason,
    [property: Id(5)] long MisplacedRecords);

/// <summary>A topic of the log.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Kind"><c>source</c>, <c>input</c>, <c>dead-letters</c> or <c>other</c>.</param>
/// <param name="Partitioner"><c>murmur2</c>, <c>crc32</c> or <c>unknown</c>.</param>
/// <param name="Partitions">The offsets of each partition, by number.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.TopicReply")]
public sealed record TopicReply(
    [property: Id(0)] string Topic, [property: Id(1)] string Kind, [property: Id(2)] string Partitioner,
    [property: Id(3)] IReadOnlyList<OffsetsReply> Partitions);

/// <summary>The offsets one partition holds: from <paramref name="Start"/> up to, and without, <paramref name="End"/>.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.OffsetsReply")]
public sealed record OffsetsReply([property: Id(0)] long Start, [property: Id(1)] long End);

/// <summary>A page of states.</summary>
/// <param name="Items">The states, in key order.</param>
/// <param name="Next">After which key the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.StatePageReply")]
public sealed record StatePageReply([property: Id(0)] IReadOnlyList<StateReply> Items, [property: Id(1)] string? Next);

/// <summary>What became of an append: a position for each line, or what is wrong with some and that nothing was appended.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.AppendReply")]
public sealed record AppendReply(
    [property: Id(0)] IReadOnlyList<PositionReply> Positions, [property: Id(1)] IReadOnlyList<BadLineReply> Errors);

/// <summary>A line that cannot be appended.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Error">What is wrong with it.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.BadLineReply")]
public sealed record BadLineReply([property: Id(0)] int Line, [property: Id(1)] string Error);

/// <summary>Which records of a topic are wanted.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition.</param>
/// <param name="From">The first offset.</param>
/// <param name="MaxRecords">The most of them.</param>
/// <param name="WaitSeconds">How long to wait where there is none yet.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.RecordsRequest")]
public sealed record RecordsRequest(
    [property: Id(0)] string Topic, [property: Id(1)] int Partition, [property: Id(2)] long From, [property: Id(3)] int MaxRecords,
    [property: Id(4)] double WaitSeconds = 0);

/// <summary>Records of a topic.</summary>
/// <param name="Lines">JSON lines, as the HTTP interface gives them.</param>
/// <param name="Next">The offset at which to continue.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.RecordsReply")]
public sealed record RecordsReply([property: Id(0)] byte[] Lines, [property: Id(1)] long Next);

/// <summary>A request that cannot be answered as it is. Below 500 correct it; from 500 on try again.</summary>
/// <param name="status">The status of HTTP that says the same.</param>
/// <param name="title">What kind of thing is wrong.</param>
/// <param name="message">What is wrong, and the remedy.</param>
/// <param name="retryAfterSeconds">When to send the same request again, where that is known.</param>
[GenerateSerializer, Alias("ActorStreams.RequestRefusedException")]
public sealed class RequestRefusedException(int status, string title, string message, int? retryAfterSeconds = null) : Exception(message)
{
    /// <summary>The status of HTTP that says the same.</summary>
    [Id(0)]
    public int Status { get; } = status;

    /// <summary>What kind of thing is wrong.</summary>
    [Id(1)]
    public string Title { get; } = title;

    /// <summary>When to send the same request again; null where that is not known.</summary>
    [Id(2)]
    public int? RetryAfterSeconds { get; } = retryAfterSeconds;
}
