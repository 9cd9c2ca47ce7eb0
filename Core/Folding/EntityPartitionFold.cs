using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding.Entries;
using ActorStreams.Json;
using ActorStreams.Lineage;
using ActorStreams.Log;

namespace ActorStreams.Folding;

/// <summary>
/// Folds the records of a source topic's partition into entities. A record that cannot be folded is set aside, and remembered until a
/// redrive of it has been folded (<see cref="Redrive"/>).
/// </summary>
internal sealed class EntityPartitionFold<TState>(EntityDataset<TState> dataset, int partition, FoldOptions options)
    : PartitionFold<TState>(dataset, partition, options)
    where TState : class
{
    /// <summary>What a <see cref="DateTimeOffset"/> can hold, in milliseconds since 1970.</summary>
    private const long MinTimestamp = -62_135_596_800_000;
    private const long MaxTimestamp = 253_402_300_799_999;

    private static readonly string EventName = typeof(TState).Name;
    private readonly EntityFold<TState> _fold = dataset.Fold;
    private readonly TopicPartition _input = new(dataset.Topic, partition);
    private readonly List<Prepared> _prepared = [];
    private RecordBatch? _batch;
    private SetAsideOffsets _setAside = new();

    internal override SetAsideOffsets OpenDeadLetters => _setAside;

    internal override void SkipLost(long toOffset) => _setAside.AddLost(NextOffset, toOffset);

    private protected override FoldNeeds PrepareBatch(RecordBatch batch)
    {
        var needs = new FoldNeeds();
        _batch = batch;
        _prepared.Clear();
        foreach (var record in batch.Records)
            _prepared.Add(Redrive.TextOf(record) is { } redrive ? PrepareRedrive(record, redrive, needs) : Prepare(record, needs));
        return needs;
    }

    private protected override void FoldPrepared()
    {
        var records = _batch!.Records;
        for (var i = 0; i < records.Count; i++)
        {
            var record = records[i];
            if (_prepared[i] is { IsForUs: true } prepared && !FoldOne(prepared, record))
                return;
            NextOffset = record.Offset + 1;
        }

        NextOffset = _batch.NextOffset;
        _batch = null;
        _prepared.Clear();
    }

    private protected override CheckpointHeader.Section OwnSection => CheckpointHeader.Section.Records;

    private protected override byte[] WriteOwn() => EntityMarks.Write(this, dataset.Partitioner, _setAside);

    private protected override void RestoreOwn(ReadOnlyMemory<byte> bytes) =>
        (MisplacedRecords, FirstMisplaced, CountedFrom, _setAside) = EntityMarks.Read(bytes, dataset.Partitioner, NextOffset);

    private Prepared Prepare(in ChangeRecord record, FoldNeeds needs)
    {
        // Before anything is read for it: that may be what failed.
        if (FailureOf(record.Offset) is { } failure)
            return new(null, failure, Kind: FaultKind.FoldFailed);
        if (record.Timestamp is < MinTimestamp or > MaxTimestamp)
            return new(null, $"The record's timestamp is {record.Timestamp} ms since 1970, which is no time between the years 1 and 9999.");
        if (record.Key is not { } key)
            return new(null, "The record has no key, so it belongs to no entity. Append it with one.");
        if (key.Length > FoldLimits.MaxKeyBytes)
            return new(null, KeyText.TooLong("The record's key", key.Length), Kind: FaultKind.Unstorable);
        if (OnlyKeys?.Contains(key.Span) == false)
            return default;
        var entry = Table.GetOrAdd(key.Span);
        if (entry is null)
            return new(null, "The record's key is not UTF-8 text.");
        // Once for each entry, and not for each record: hashing costs as much as finding the entry.
        if (entry.Status == EntryStatus.Missing)
            entry.Misplaced = IsMisplaced(key.Span, entry.Key);
        Need(entry, needs);
        return new(entry, null);
    }

    /// <summary>
    /// A redrive for another dataset, or of another partition (as in a copy of the topic), is skipped here. Whether one for this
    /// partition is a repeat is decided in its turn.
    /// </summary>
    private Prepared PrepareRedrive(in ChangeRecord record, string text, FoldNeeds needs)
    {
        if (!DeadLetterId.TryParse(text, out var id))
            return new(null, $"The header {Redrive.Header} is '{text}', which is the id of no dead letter. Append the record without it.");
        return id.Dataset == Dataset.Name && id.Position.TopicPartition == _input ? Prepare(record, needs) with { Redrives = id } : default;
    }

    private bool IsMisplaced(ReadOnlySpan<byte> utf8, string key) =>
        dataset.HasHome(key) && Partitioner.PartitionOf(utf8, dataset.Partitions, dataset.Partitioner) != Partition;

    private void CountMisplaced(long offset)
    {
        if (MisplacedRecords++ == 0)
            FirstMisplaced = offset;
    }

    private bool FoldOne(in Prepared prepared, in ChangeRecord record)
    {
        if (prepared.Redrives is not { } id)
            return Apply(prepared, record);
        if (!_setAside.Contains(id.Position.Offset))
        {
            Output.Repeats++;
            return true;
        }

        var letters = Output.DeadLetters.Count;
        var goesOn = Apply(prepared, record with { Headers = Redrive.Original(record.Headers) });
        if (Output.DeadLetters.Count == letters)
            _setAside.Remove(id.Position.Offset);
        return goesOn;
    }

    private bool Apply(in Prepared prepared, in ChangeRecord record)
    {
        if (prepared.Entry is not { } entry)
            return SetAside(prepared, record, prepared.Fault!, null, prepared.Kind);
        if (entry.Misplaced)
            CountMisplaced(record.Offset);
        var position = new Position(_input.Topic, _input.Partition, record.Offset);
        if (dataset.IsLatestByTime && entry.Exists && record.Timestamp < entry.Timestamp)
        {
            Output.Folded++;
            return true;
        }

        TakenState<TState> taken;
        try
        {
            taken = IsTombstone(record) ? default : Take(entry, _fold.Apply(entry.State(Format), entry.Key, record, _input));
        }
        catch (JsonException error)
        {
            return SetAside(prepared, record, $"The value is not the JSON of a {_fold.EventType.Name}: {ExceptionText.Of(error)}", error);
        }
        catch (UnstorableStateException error)
        {
            return SetAside(prepared, record, error.Message, error);
        }
        catch (Exception error)
        {
            // The user's fold may throw anything. The state stays as it was.
            return SetAside(prepared, record, $"The fold of {EventName} failed: {ExceptionText.Of(error)}", error);
        }

        BeginRecord();
        Step(entry, taken, record.Offset, 0, record.Timestamp, new Cause(position, position));
        return true;
    }

    private bool IsTombstone(in ChangeRecord record) =>
        record.Value is not { } value
            || (dataset.TakesEmptyAsTombstone && (value.IsEmpty || value.Span.Trim(" \t\r\n"u8).SequenceEqual("null"u8)));

    /// <summary>A redrive that fails again stays what it was: open under the id that it was first set aside by.</summary>
    private bool SetAside(in Prepared prepared, in ChangeRecord record, string reason, Exception? error, FaultKind? kind = null)
    {
        if (prepared.Redrives is null && SetsAside(record.Offset))
            _setAside.Add(record.Offset);
        var key = prepared.Entry?.Key ?? TextOf(record.Key);
        return SetAside(new Fault(record.Offset, 0, record.Timestamp, key, record.Value, reason, error)
        {
            Kind = kind ?? FaultKinds.Of(error),
            KeyBytes = record.Key,
            Headers = record.Headers,
            First = prepared.Redrives,
        });
    }

    private static string? TextOf(ReadOnlyMemory<byte>? key) =>
        key is { Length: <= FoldLimits.MaxKeyBytes } bytes && Utf8.IsValid(bytes.Span) ? Encoding.UTF8.GetString(bytes.Span) : null;

    /// <summary>A record ready to be folded; neither entry nor fault for one that passes by.</summary>
    private readonly record struct Prepared(StateEntry<TState>? Entry, string? Fault, DeadLetterId? Redrives = null, FaultKind? Kind = null)
    {
        internal bool IsForUs => Entry is not null || Fault is not null;
    }
}
