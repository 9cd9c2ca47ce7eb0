using System.ComponentModel.DataAnnotations;

namespace ActorStreams.Partitions;

/// <summary>The bounds and rhythms of the partitions on a silo: section <c>Streams</c>.</summary>
public sealed class StreamsOptions
{
    /// <summary>A partition's share of <see cref="TableBytes"/> is no less: a batch's states must fit.</summary>
    private const long MinTableBytes = 1 << 20;

    /// <summary>
    /// States of one dataset that are kept in memory, spread evenly over its partitions; the others rest in the store. 0: no bound.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int TableEntries { get; set; } = 100_000;

    /// <summary>
    /// Bytes of the states of one dataset that are kept in memory, with what lies beside them, spread evenly over its partitions.
    /// </summary>
    [Range(1 << 20, long.MaxValue)]
    public long TableBytes { get; set; } = 128 << 20;

    /// <summary>How often a partition writes a checkpoint, when there is something to write; less often where writing takes long.</summary>
    [Range(0.01, 3600)]
    public double CheckpointIntervalSeconds { get; set; } = 1;

    /// <summary>
    /// Changed states of a partition after which it writes a checkpoint at once; also when they are half of a table that is over its bound.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxUnstoredStates { get; set; } = 100_000;

    /// <summary>Bytes of changed states of a partition, with what lies beside them, after which it writes a checkpoint at once.</summary>
    [Range(1 << 16, int.MaxValue)]
    public int MaxUnstoredBytes { get; set; } = 16 << 20;

    /// <summary>Records a partition reads at once.</summary>
    [Range(1, 1_000_000)]
    public int BatchRecords { get; set; } = 1_000;

    /// <summary>Bytes a partition reads at once.</summary>
    [Range(1_024, 1 << 30)]
    public int BatchBytes { get; set; } = 1 << 20;

    /// <summary>
    /// Bytes of routed changes that may wait in a partition while its append before is under way; with more, folding waits too.
    /// </summary>
    [Range(1, 1 << 30)]
    public int MaxWaitingBytes { get; set; } = 2 << 20;

    /// <summary>The wait before a partition starts again after a failure; it doubles up to <see cref="MaxRetrySeconds"/>.</summary>
    [Range(0.01, 3600)]
    public double MinRetrySeconds { get; set; } = 0.2;

    /// <summary>The longest wait before a partition starts again.</summary>
    [Range(0.01, 3600)]
    public double MaxRetrySeconds { get; set; } = 10;

    /// <summary>What happens when records that were never folded are no longer kept by the log.</summary>
    [EnumDataType(typeof(LostRecords))]
    public LostRecords LostRecords { get; set; }

    /// <summary>
    /// The part of a partition's time that sending stored states to a new view may take; the rest is for what comes in.
    /// </summary>
    [Range(0.01, 1)]
    public double BackfillShare { get; set; } = 0.5;

    /// <summary>Whether readers are moved to new builds as soon as those have caught up, or by command.</summary>
    [EnumDataType(typeof(CutoverKind))]
    public CutoverKind Cutover { get; set; }

    /// <summary>How often the keeper looks whether all partitions run.</summary>
    [Range(0.1, 3600)]
    public double KeeperIntervalSeconds { get; set; } = 5;

    /// <summary>How often partitions on other silos are queried for misplaced keys.</summary>
    [Range(0.1, 3600)]
    public double MisplacedIntervalSeconds { get; set; } = 10;

    /// <summary>How often it is looked whether the source topics have other partitions than those that are followed.</summary>
    [Range(0.1, 86_400)]
    public double TopicCheckIntervalSeconds { get; set; } = 60;

    /// <summary>Changes of a watched key that are kept in memory, for watchers that resume.</summary>
    [Range(1, 1_000_000)]
    public int WatchHistoryChanges { get; set; } = 256;

    /// <summary>How long they are kept after the last watcher has left.</summary>
    [Range(0, 86_400)]
    public double WatchHistorySeconds { get; set; } = 60;

    /// <summary>Changes that may wait for one slow watcher, before it has to resume.</summary>
    [Range(1, 1_000_000)]
    public int WatchBufferChanges { get; set; } = 1_024;

    /// <summary>Watchers of one partition.</summary>
    [Range(1, 1_000_000)]
    public int MaxWatchers { get; set; } = 10_000;

    /// <summary>Folds of one key's history from the log that may run at once on a silo.</summary>
    [Range(1, 64)]
    public int MaxHistoryFolds { get; set; } = 2;

    /// <summary>
    /// Topics beyond the topology that the silo appends to and reads for callers with <c>streams.operate</c>. Any other topic is served
    /// to nobody.
    /// </summary>
    public IList<string> OtherTopics { get; set; } = [];

    internal long TableBytesOf(int partitions) => Math.Max(MinTableBytes, TableBytes / partitions);

    internal int TableEntriesOf(int partitions) => TableEntries == 0 ? int.MaxValue : Math.Max(1, TableEntries / partitions);
}

/// <summary>When readers are moved to new builds.</summary>
public enum CutoverKind
{
    /// <summary>As soon as all new builds have caught up, and every silo knows their definitions.</summary>
    Automatic,

    /// <summary>When a command says so.</summary>
    ByCommand,
}

/// <summary>What a partition does whose next record the log no longer keeps.</summary>
public enum LostRecords
{
    /// <summary>It waits, and reports which records are lost, until an operator decides.</summary>
    Wait,

    /// <summary>It continues at the first record that is still kept, and reports the lost ones in the log and in a metric.</summary>
    GoOn,
}
