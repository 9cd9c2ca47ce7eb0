using ActorStreams.Partitions.Telemetry;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using ActorStreams.Grains.Telemetry;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Benchmarks.Silo;

/// <summary>Where the partitions' time goes, summed over all of them. They run side by side, so the sums exceed the run's length.</summary>
internal sealed class Stages
{
    private readonly long[] _ticks = new long[Enum.GetValues<Stage>().Length];

    internal enum Stage
    {
        Read,
        Load,
        Fold,
        Append,
        Checkpoint,
    }

    /// <summary>Whether anything was measured at all.</summary>
    public bool Any => _ticks.Any(ticks => ticks > 0);

    public void Add(Stage stage, TimeSpan time) => Interlocked.Add(ref _ticks[(int)stage], time.Ticks);

    /// <summary>Hears what the partitions say of their folds.</summary>
    public MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == StreamsMetrics.MeterName && instrument.Name == "actorstreams.fold.duration")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => Add(Stage.Fold, TimeSpan.FromSeconds(seconds)));
        listener.Start();
        return listener;
    }

    public void Print(string letter, int runs, int records)
    {
        foreach (var (stage, what) in new[]
        {
            (Stage.Read, "reading the log"),
            (Stage.Fold, "folding (loads of states that are not in memory included)"),
            (Stage.Load, "loading alone"),
            (Stage.Append, "appends of frames, waiting for the disk included"),
            (Stage.Checkpoint, "writing checkpoints, waiting for the writer included"),
        })
        {
            var seconds = new TimeSpan(_ticks[(int)stage]).TotalSeconds / runs;
            Console.WriteLine($"{letter}: {what}: {seconds:F2} s a run, {seconds * 1e9 / records:N0} ns a record");
        }
    }
}

/// <summary>A log that measures what its callers wait for.</summary>
internal sealed class TimedLog(IChangeLog log, Stages stages) : IChangeLog
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets readers begin.</summary>
    public void Open() => _open.TrySetResult();

    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        log.ListTopicsAsync(cancellationToken);

    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        log.DescribeAsync(topic, cancellationToken);

    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default) =>
        log.CreateTopicAsync(topic, partitions, cancellationToken);

    public ValueTask CheckSourceAsync(string topic, CancellationToken cancellationToken = default) =>
        log.CheckSourceAsync(topic, cancellationToken);

    public ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default) =>
        log.LimitsAsync(topic, cancellationToken);

    public HeldPosition? HeldAt(TopicPartition partition) => log.HeldAt(partition);

    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) =>
        log.DeleteTopicAsync(topic, cancellationToken);

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await _open.Task.WaitAsync(cancellationToken);
        await using var batches = log.ReadAsync(partition, fromOffset, limits, reached, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            var begin = Stopwatch.GetTimestamp();
            var next = batches.MoveNextAsync();

            // Reading is done on the caller's thread; what is not done at once waits for records.
            stages.Add(Stages.Stage.Read, Stopwatch.GetElapsedTime(begin));
            if (!await next)
                yield break;
            yield return batches.Current;
        }
    }

    public async ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        var begin = Stopwatch.GetTimestamp();
        var positions = await log.AppendAsync(topic, records, cancellationToken);
        stages.Add(Stages.Stage.Append, Stopwatch.GetElapsedTime(begin));
        return positions;
    }

    public long? KnownEnd(TopicPartition partition) => log.KnownEnd(partition);

    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default) =>
        log.OffsetsAsync(topic, cancellationToken);

    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default) =>
        log.OffsetAtAsync(partition, instant, cancellationToken);
}

/// <summary>A state store that measures what its callers wait for.</summary>
internal sealed class TimedStore(IStateStore store, Stages stages) : IStateStore
{
    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default) =>
        store.ReadCheckpointAsync(partition, cancellationToken);

    public async ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default)
    {
        var begin = Stopwatch.GetTimestamp();
        var written = await store.WriteCheckpointAsync(write, cancellationToken);
        stages.Add(Stages.Stage.Checkpoint, Stopwatch.GetElapsedTime(begin));
        return written;
    }

    public async ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default)
    {
        var begin = Stopwatch.GetTimestamp();
        var states = await store.LoadAsync(partition, keys, cancellationToken);
        stages.Add(Stages.Stage.Load, Stopwatch.GetElapsedTime(begin));
        return states;
    }

    public ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default) =>
        store.ScanAsync(partition, prefix, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default) =>
        store.ScanContributionsAsync(partition, scans, cancellationToken);

    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default) =>
        store.LoadContributionsAsync(partition, ids, cancellationToken);

    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        store.ReadDatasetsAsync(cancellationToken);

    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default) =>
        store.ReadCatalogAsync(cancellationToken);

    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default) =>
        store.WriteCatalogAsync(catalog, cancellationToken);

    public ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default) =>
        store.DropAsync(dataset, build, cancellationToken);
}
