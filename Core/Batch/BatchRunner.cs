using System.Threading.Channels;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;

namespace ActorStreams.Batch;

/// <summary>
/// Runs the definitions of a topology over a range of the log between two cuts, in this process and with no silo: the same folds as
/// live, so that over the whole log it gives the live states (semantics §7). All partitions run side by side; a view's partition folds
/// frames as its sources make them.
/// </summary>
public sealed class BatchRunner(Topology topology, IChangeLog log)
{
    /// <summary>Frames that may wait for one view partition.</summary>
    private const int MaxWaitingFrames = 64;

    /// <summary>Folds the records at or after <paramref name="from"/> and before <paramref name="to"/>, beginning with no state.</summary>
    /// <param name="from">Where to begin; the beginning of the log when null.</param>
    /// <param name="to">Where to end; the present end of the source topics when null.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="BatchStoppedException">A dataset that stops at bad records met one.</exception>
    public async Task<BatchResult> RunAsync(Cut? from = null, Cut? to = null, CancellationToken cancellationToken = default)
    {
        from ??= Cut.Beginning;
        to ??= await log.CutAtEndAsync(topology.SourceTopics, cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = new Run(topology, log, from, to, stop.Token);
        var workers = run.Start();
        try
        {
            // The first failure stops the others, which would otherwise wait for frames that never come.
            await foreach (var worker in Task.WhenEach(workers).ConfigureAwait(false))
                await worker.ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return new(topology, to, run.Folds, await PartitionsAsync(cancellationToken).ConfigureAwait(false), [.. run.DeadLetters]);
    }

    /// <summary>The partitions that the source topics really have: they say where a key belongs, whatever the cuts name.</summary>
    private async Task<Dictionary<string, int>> PartitionsAsync(CancellationToken cancellationToken)
    {
        var partitions = new Dictionary<string, int>();
        foreach (var topic in topology.SourceTopics)
        {
            if (await log.DescribeAsync(topic, cancellationToken).ConfigureAwait(false) is { } description)
                partitions[topic] = description.Partitions;
        }

        return partitions;
    }

    private sealed class Run
    {
        private readonly IChangeLog _log;
        private readonly Cut _from;
        private readonly Cut _to;
        private readonly CancellationToken _stop;
        private readonly Dictionary<(Dataset, int), Channel<Frame>> _inputs = [];
        /// <summary>Partitions of each dataset that have not ended yet.</summary>
        private readonly Dictionary<Dataset, int> _openPartitions = [];

        internal Run(Topology topology, IChangeLog log, Cut from, Cut to, CancellationToken stop)
        {
            (_log, _from, _to, _stop) = (log, from, to, stop);
            foreach (var dataset in topology.Datasets)
            {
                // An entity has the partitions that its topic really has.
                var partitions = dataset.Kind == DatasetKind.Entity ? PartitionsOf(to, dataset.Topic) : dataset.Partitions;
                _openPartitions[dataset] = partitions;
                for (var partition = 0; partition < partitions; partition++)
                {
                    var fold = Folds[(dataset, partition)] = dataset.CreateFold(partition, FoldOptions.InMemory);
                    if (dataset.Kind == DatasetKind.Entity)
                        fold.SkipLost(from[new(dataset.Topic, partition)]);
                    else
                        _inputs[(dataset, partition)] =
                            Channel.CreateBounded<Frame>(new BoundedChannelOptions(MaxWaitingFrames) { SingleReader = true });
                }

            }

            foreach (var view in _inputs.Keys.Select(input => input.Item1))
            {
                if (view.Sources.Sum(source => _openPartitions[source]) == 0)
                    CloseInputs(view);
            }
        }

        internal Dictionary<(Dataset Dataset, int Partition), PartitionFold> Folds { get; } = [];

        internal List<DeadLetter> DeadLetters { get; } = [];

        internal List<Task> Start() => [.. Folds.Select(fold => Task.Run(() => FoldAsync(fold.Key.Dataset, fold.Value), _stop))];

        private async Task FoldAsync(Dataset dataset, PartitionFold fold)
        {
            var batches = dataset.Kind == DatasetKind.Entity ? ReadTopic(dataset, fold) : ReadFrames(dataset, fold);
            await foreach (var batch in batches.ConfigureAwait(false))
                await SendAsync(
                    await fold.FoldAsync(batch, store: null, cancellationToken: _stop).ConfigureAwait(false), fold).ConfigureAwait(false);
            Ended(dataset);
        }

        private IAsyncEnumerable<RecordBatch> ReadTopic(Dataset dataset, PartitionFold fold)
        {
            var partition = new TopicPartition(dataset.Topic, fold.Partition);
            return _log.ReadRangeAsync(partition, _from[partition], _to[partition], ReadLimits.Default, _stop);
        }

        private async IAsyncEnumerable<RecordBatch> ReadFrames(Dataset dataset, PartitionFold fold)
        {
            var offset = 0L;
            await foreach (var frame in _inputs[(dataset, fold.Partition)].Reader.ReadAllAsync(_stop).ConfigureAwait(false))
            {
                yield return new()
                {
                    Partition = new(dataset.Topic, fold.Partition),
                    Records = [new() { Offset = offset, Timestamp = frame.Timestamp, Value = frame.Bytes }],
                    NextOffset = ++offset,
                    EndOffset = offset,
                };
            }
        }

        private async ValueTask SendAsync(FoldOutput output, PartitionFold fold)
        {
            if (output.StoppedAt is { } offset)
                throw new BatchStoppedException(new(fold.Dataset.Topic, fold.Partition, offset), output.DeadLetters[^1].Reason);
            lock (DeadLetters)
                DeadLetters.AddRange(output.DeadLetters);
            foreach (var frame in output.Frames)
                await _inputs[(frame.View, frame.Partition)].Writer.WriteAsync(frame, _stop).ConfigureAwait(false);
        }

        /// <summary>A view's inputs end when the last partition of its last source has ended.</summary>
        private void Ended(Dataset dataset)
        {
            lock (_openPartitions)
            {
                if (--_openPartitions[dataset] > 0)
                    return;
                foreach (var view in dataset.Dependents.Where(view => view.Sources.All(source => _openPartitions[source] == 0)))
                    CloseInputs(view);
            }
        }

        private void CloseInputs(Dataset view)
        {
            for (var partition = 0; partition < view.Partitions; partition++)
                _inputs[(view, partition)].Writer.TryComplete();
        }

        private static int PartitionsOf(Cut cut, string topic) =>
            cut.Offsets.Keys.Where(partition => partition.Topic == topic).Select(partition => partition.Partition + 1).DefaultIfEmpty(0)
                .Max();
    }
}
