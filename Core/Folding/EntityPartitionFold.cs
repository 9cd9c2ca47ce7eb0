using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Lineage;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>Folds the records of a source topic's partition into entities.</summary>
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

    internal override FoldNeeds Prepare(RecordBatch batch)
    {
        var needs = new FoldNeeds();
        _batch = batch;
        _prepared.Clear();
        foreach (var record in batch.Records)
        {
            if (record.Timestamp is < MinTimestamp or > MaxTimestamp)
            {
                _prepared.Add(new(null, $"The record's timestamp is {record.Timestamp} ms since 1970, which is no time between the years 1 and 9999."));
            }
            else if (record.Key is not { } key)
            {
                _prepared.Add(new(null, "The record has no key, so it belongs to no entity. Append it with one."));
            }
            else if (OnlyKeyUtf8 is null || key.Span.SequenceEqual(OnlyKeyUtf8))
            {
                var entry = Table.GetOrAdd(key.Span);
                _prepared.Add(new(entry, entry is null ? "The record's key is not UTF-8 text." : null));
                if (entry is null)
                    continue;
                // Once for each entry, and not for each record: hashing costs as much as finding the entry.
                if (entry.Status == EntryStatus.Missing)
                    entry.Misplaced = IsMisplaced(key.Span, entry.Key);
                Need(entry, needs);
            }
            else
            {
                _prepared.Add(default);
            }
        }

        return needs;
    }

    internal override void SupplyScan(FoldNeeds.Scan scan, IReadOnlyList<StoredContribution> contributions) => throw NoContributions();

    internal override void SupplyCounts(IReadOnlyList<StoredContribution> contributions) => throw NoContributions();

    private protected override void FoldPrepared()
    {
        var records = _batch!.Records;
        for (var i = 0; i < records.Count; i++)
        {
            var record = records[i];
            var (entry, fault) = _prepared[i];
            if (entry is { Misplaced: true })
                CountMisplaced(record.Offset);
            if (entry is not null ? !FoldOne(entry, record) : fault is not null && !SetAside(Unusable(record, null, fault, null)))
                return;
            NextOffset = record.Offset + 1;
        }

        NextOffset = _batch.NextOffset;
        _batch = null;
    }

    private protected override byte[] WriteMarks() => MisplacedMarks.Write(this, dataset.Partitioner);

    private protected override void RestoreMarks(ReadOnlyMemory<byte> bytes) =>
        (MisplacedRecords, FirstMisplaced, CountedFrom) = MisplacedMarks.Read(bytes, dataset.Partitioner, NextOffset);

    private bool IsMisplaced(ReadOnlySpan<byte> utf8, string key) =>
        dataset.HasHome(key) && Partitioner.PartitionOf(utf8, dataset.Partitions, dataset.Partitioner) != Partition;

    private void CountMisplaced(long offset)
    {
        if (MisplacedRecords++ == 0)
            FirstMisplaced = offset;
    }

    private bool FoldOne(StateEntry<TState> entry, in ChangeRecord record)
    {
        var position = new Position(_input.Topic, _input.Partition, record.Offset);
        try
        {
            var after = record.IsTombstone ? null : _fold.Apply(entry.State(Definition.StateJson), entry.Key, record, _input);
            BeginRecord();
            Step(entry, after, record.Offset, 0, record.Timestamp, new Cause(position, position));
            return true;
        }
        catch (JsonException error)
        {
            return SetAside(Unusable(record, entry.Key, $"The value is not the JSON of a {_fold.EventType.Name}: {error.Message}", error));
        }
        catch (Exception error)
        {
            // The user's fold may throw anything. The state stays as it was.
            return SetAside(Unusable(record, entry.Key, $"The fold of {EventName} failed: {error.Message}", error));
        }
    }

    private static Fault Unusable(in ChangeRecord record, string? key, string reason, Exception? error) =>
        new(record.Offset, 0, record.Timestamp, key, record.Value, reason, error);

    private static InvalidOperationException NoContributions() => new("An entity has no contributions.");

    private readonly record struct Prepared(StateEntry<TState>? Entry, string? Fault);
}
