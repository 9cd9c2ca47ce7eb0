using ActorStreams.Log;

namespace ActorStreams.Storage.Sqlite.Log;

/// <summary>A topic of the embedded log and its partitions, by number.</summary>
internal sealed record LogTopic(string Name, string Id, LogPartition[] Partitions)
{
    private volatile bool _isDeleted;

    /// <summary>It is no longer in the file. A topic made later under its name is another one.</summary>
    public bool IsDeleted
    {
        get => _isDeleted;
        set => _isDeleted = value;
    }
}

/// <summary>
/// What is in memory of a partition: its end, its newest rows and, for the writer thread alone, what the open transaction appends.
/// </summary>
internal sealed class LogPartition(long id, string topicId, TopicPartition name, long end, long latest)
{
    /// <summary>Where each epoch begins. The writer alone replaces it.</summary>
    private volatile LogEpoch[] _epochs = [];

    private long _latest = latest;

    /// <summary>Its number in the file.</summary>
    public long Id { get; } = id;

    public string TopicId => topicId;

    public TopicPartition Name { get; } = name;

    public EndSignal Signal { get; } = new(end);

    public LogTail Tail { get; } = new();

    public long End => Signal.End;

    /// <summary>The latest timestamp of all its records; <see cref="long.MinValue"/> when there are none.</summary>
    public long Latest => Volatile.Read(ref _latest);

    /// <summary>Writer thread only: what the open transaction appends to it; null when nothing.</summary>
    public PendingAppend? Pending { get; set; }

    /// <summary>The epoch of the newest record.</summary>
    public int LatestEpoch => EpochAt(long.MaxValue).Epoch;

    /// <summary>The epoch that the record at an offset was written in, and the offset before which it ends.</summary>
    public (int Epoch, long End) EpochAt(long offset)
    {
        var epochs = _epochs;
        var later = Array.FindIndex(epochs, epoch => epoch.Base > offset);
        var last = later < 0 ? epochs.Length - 1 : later - 1;
        return (last < 0 ? LogIdentity.NoEpoch : epochs[last].Epoch, later < 0 ? long.MaxValue : epochs[later].Base);
    }

    /// <summary>From this offset on records are of another epoch.</summary>
    public void BeginEpoch(long from, int epoch) => _epochs = [.. _epochs, new(from, epoch)];

    /// <summary>Shows committed rows to readers. The end comes last: what lies before it can be read.</summary>
    public void Publish(PendingAppend appended)
    {
        if (appended.Epoch is { } epoch)
            BeginEpoch(End, epoch);
        Tail.Add(appended.Rows);
        Volatile.Write(ref _latest, appended.Latest);
        Signal.MoveTo(appended.End);
    }
}

/// <summary>From an offset on, records were written in this epoch.</summary>
internal readonly record struct LogEpoch(long Base, int Epoch);

/// <summary>What the open transaction appends to one partition.</summary>
internal sealed class PendingAppend(LogPartition partition)
{
    public LogPartition Partition { get; } = partition;

    public long End { get; set; } = partition.End;

    public long Latest { get; set; } = partition.Latest;

    /// <summary>The epoch that begins with it; null when it is that of the records before.</summary>
    public int? Epoch { get; set; }

    public List<NewRecord> Records { get; } = [];

    public List<LogRow> Rows { get; } = [];
}

/// <summary>
/// The newest rows of a partition, so that a reader at the end, the usual one, gets what was just committed without reading the file.
/// </summary>
internal sealed class LogTail
{
    // Some milliseconds of a busy partition: a reader that is further behind reads the file, which is what the file is for.
    private const int MaxBytes = 256 << 10;
    private const int MaxRows = 64;

    private readonly Lock _gate = new();
    private readonly Queue<LogRow> _rows = new();
    private long _bytes;

    /// <summary>Adds rows that follow those it has.</summary>
    public void Add(List<LogRow> rows)
    {
        lock (_gate)
        {
            foreach (var row in rows)
            {
                _rows.Enqueue(row);
                _bytes += row.Bytes.Length;
                while (_rows.Count > MaxRows || _bytes > MaxBytes)
                    _bytes -= _rows.Dequeue().Bytes.Length;
            }
        }
    }

    /// <summary>
    /// Hands over the rows from the one that holds this offset on, until the taker has enough. False when that one is no longer here.
    /// </summary>
    public bool TryRead(long offset, Func<LogRow, bool> take)
    {
        lock (_gate)
        {
            if (!_rows.TryPeek(out var oldest) || oldest.Base > offset)
                return false;
            foreach (var row in _rows)
            {
                if (row.Next > offset && !take(row))
                    break;
            }

            return true;
        }
    }
}
