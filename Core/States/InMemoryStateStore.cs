namespace ActorStreams.States;

/// <summary>
/// A state store in memory, for tests and laptops: it is gone with its process. Otherwise it behaves as the durable ones do.
/// </summary>
public sealed class InMemoryStateStore : IStateStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PartitionId, Partition> _partitions = [];
    private StoredCatalog _catalog = new(0, "");

    /// <inheritdoc/>
    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_partitions.GetValueOrDefault(partition)?.Checkpoint);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var partition = _partitions.GetValueOrDefault(write.Partition);
            if ((partition?.Checkpoint.Number ?? 0) != write.Checkpoint.Number - 1)
                return new(false);
            if (partition is null)
                _partitions.Add(write.Partition, partition = new() { Checkpoint = write.Checkpoint });
            partition.Write(write);
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (!_partitions.TryGetValue(partition, out var source))
                return new([]);
            var found = new List<StoredState>(keys.Count);
            foreach (var key in keys)
            {
                if (source.States.TryGetValue(Probe(key), out var state))
                    found.Add(state);
            }

            return new(found);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        lock (_gate)
        {
            if (!_partitions.TryGetValue(partition, out var source))
                return new([]);
            var from = KeyOrder.Instance.Compare(after ?? "", prefix) > 0 ? after! : prefix;
            return new([.. From(source.States, Probe(from))
                .SkipWhile(state => state.Key == after)
                .TakeWhile(state => state.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Take(limit)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var source = _partitions.GetValueOrDefault(partition);
            return new([.. scans.Select(scan => source?.Scan(scan) ?? [])]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (!_partitions.TryGetValue(partition, out var source))
                return new([]);
            var found = new List<StoredContribution>(ids.Count);
            foreach (var id in ids)
            {
                if (source.Contributions.TryGetValue(new(id, default), out var contribution))
                    found.Add(contribution);
            }

            return new(found);
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_catalog);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_catalog.Number != catalog.Number - 1)
                return new(false);
            _catalog = catalog;
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        new(new Dictionary<string, string>());

    /// <inheritdoc/>
    public ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            foreach (var partition in _partitions.Keys.Where(id => id.Dataset == dataset && id.Build == build).ToList())
                _partitions.Remove(partition);
            return default;
        }
    }

    private static StoredState Probe(string key) => new(key, default, 0, 0);

    private static IEnumerable<T> From<T>(SortedSet<T> set, T lower) =>
        set.Count == 0 || set.Comparer.Compare(lower, set.Max) > 0 ? [] : set.GetViewBetween(lower, set.Max);

    private sealed class Partition
    {
        public required Checkpoint Checkpoint { get; set; }

        public SortedSet<StoredState> States { get; } =
            new(Comparer<StoredState>.Create((x, y) => KeyOrder.Instance.Compare(x.Key, y.Key)));

        public SortedSet<StoredContribution> Contributions { get; } =
            new(Comparer<StoredContribution>.Create((x, y) => Compare(x.Id, y.Id)));

        public IReadOnlyList<StoredContribution> Scan(ContributionScan scan) =>
        [
            .. From(Contributions, new(new(scan.Key, scan.Slot, default), default))
                .TakeWhile(contribution => contribution.Id.Key == scan.Key && contribution.Id.Slot == scan.Slot)
                .Take(scan.Limit),
        ];

        /// <summary>Keeps copies of the bytes, as a durable store does: the caller may use its buffers again.</summary>
        public void Write(CheckpointWrite write)
        {
            Checkpoint = write.Checkpoint with { Header = write.Checkpoint.Header.ToArray() };
            States.ExceptWith(write.Deletes.Select(Probe));
            Contributions.ExceptWith(write.ContributionDeletes.Select(id => new StoredContribution(id, default)));
            foreach (var state in write.Upserts)
            {
                States.Remove(state);
                States.Add(state with { State = state.State.ToArray() });
            }

            foreach (var contribution in write.ContributionUpserts)
            {
                Contributions.Remove(contribution);
                Contributions.Add(new(contribution.Id with { Element = contribution.Id.Element.ToArray() }, contribution.Value.ToArray()));
            }
        }

        private static int Compare(ContributionId x, ContributionId y)
        {
            var order = KeyOrder.Instance.Compare(x.Key, y.Key);
            if (order == 0)
                order = x.Slot.CompareTo(y.Slot);
            return order != 0 ? order : x.Element.Span.SequenceCompareTo(y.Element.Span);
        }
    }
}
