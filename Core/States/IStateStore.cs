namespace ActorStreams.States;

/// <summary>
/// Keeps the states of every dataset's partitions and where each partition stands. A checkpoint is one transaction: changed states,
/// what lies beside them, position and marks, on condition that no other owner has moved the position (semantics §4, §5).
/// </summary>
/// <remarks>
/// All members may be called by many threads at once. The store forces nothing on readers: they see the last checkpoint, whole.
/// </remarks>
public interface IStateStore
{
    /// <summary>Where a partition stands; null when it never had a checkpoint.</summary>
    ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes a checkpoint, in one transaction.
    /// </summary>
    /// <returns>False, with nothing written, when the stored checkpoint is not the one before it (its number is one less, where there is
    /// none 0): another owner exists.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot take it now, and the caller may try again
    /// from its checkpoint.</exception>
    ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default);

    /// <summary>The states stored for these keys, in one query, in any order; keys without a state are left out.</summary>
    ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default);

    /// <summary>
    /// States in key order (<see cref="KeyOrder"/>), of the keys that begin with <paramref name="prefix"/> and come
    /// after <paramref name="after"/>.
    /// </summary>
    ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default);

    /// <summary>
    /// The first contributions of several slots, in one query: for each scan, in their order, a list in element order (bytewise).
    /// </summary>
    ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default);

    /// <summary>The contributions stored under these addresses, in one query, in any order; those that do not exist are left out.</summary>
    ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default);

    /// <summary>What was last written of the builds.</summary>
    ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default);

    /// <summary>Replaces what is written of the builds.</summary>
    /// <returns>False, with nothing written, when the stored one is not the one before it: its number is not one less.</returns>
    ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default);

    /// <summary>
    /// What versions of this program without builds recorded of each dataset when it was last run, by dataset name; empty where none
    /// ran on this store.
    /// </summary>
    ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Forgets all states, contributions and checkpoints of one build, at a cost that does not depend on how many there are where the
    /// store can do that. Nothing happens when there are none. No partition of it may run.
    /// </summary>
    ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default);
}

/// <summary>One partition of one build of a dataset (semantics §7): what owns states.</summary>
public readonly record struct PartitionId(string Dataset, int Build, int Partition)
{
    /// <summary><c>dataset.bBuild/partition</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Dataset}.b{Build}/{Partition}");
}

/// <summary>Where a partition stands.</summary>
/// <param name="Number">How many checkpoints of the partition were written, this one among them: what an owner's next one is conditional
/// on. A position does not suffice: it stays where a partition only sends stored states to a new view.</param>
/// <param name="Position">The next offset of its input log to fold.</param>
/// <param name="States">How many states it has.</param>
/// <param name="Header">All else that the fold keeps, in the form that the fold gave it.</param>
public sealed record Checkpoint(long Number, long Position, long States, ReadOnlyMemory<byte> Header);

/// <summary>
/// What an application knows of its builds, as one text with a number: it is replaced as a whole, on condition that nobody else has.
/// </summary>
/// <param name="Number">How often it was written; 0 when it never was.</param>
/// <param name="Text">The text; empty when it was never written.</param>
public sealed record StoredCatalog(long Number, string Text);

/// <summary>One stored state.</summary>
/// <param name="Key">The key.</param>
/// <param name="State">The state as JSON, UTF-8.</param>
/// <param name="Offset">The offset of the last record that was folded into it.</param>
/// <param name="Timestamp">That record's timestamp, in milliseconds since 1970 UTC.</param>
public readonly record struct StoredState(string Key, ReadOnlyMemory<byte> State, long Offset, long Timestamp);

/// <summary>The address of one contribution: what is kept beside a view's state, under its own key.</summary>
/// <param name="Key">The view key.</param>
/// <param name="Slot">Which of the view's reductions it belongs to, from 0.</param>
/// <param name="Element">Its place: contributions of one slot are ordered by these bytes.</param>
public readonly record struct ContributionId(string Key, int Slot, ReadOnlyMemory<byte> Element)
{
    /// <inheritdoc/>
    public bool Equals(ContributionId other) => Slot == other.Slot && Key == other.Key && Element.Span.SequenceEqual(other.Element.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Key);
        hash.Add(Slot);
        hash.AddBytes(Element.Span);
        return hash.ToHashCode();
    }
}

/// <summary>What to read of one slot: its first contributions in element order.</summary>
/// <param name="Key">The view key.</param>
/// <param name="Slot">The slot.</param>
/// <param name="Limit">How many contributions at most; not negative.</param>
public readonly record struct ContributionScan(string Key, int Slot, int Limit);

/// <summary>One stored contribution.</summary>
public readonly record struct StoredContribution(ContributionId Id, ReadOnlyMemory<byte> Value);

/// <summary>What a checkpoint writes.</summary>
public sealed class CheckpointWrite
{
    /// <summary>The partition.</summary>
    public required PartitionId Partition { get; init; }

    /// <summary>What the partition's checkpoint becomes. The stored one must have the number before, else the write fails.</summary>
    public required Checkpoint Checkpoint { get; init; }

    /// <summary>States to write. Each key stands at most once in <see cref="Upserts"/> and <see cref="Deletes"/> together.</summary>
    public required IReadOnlyList<StoredState> Upserts { get; init; }

    /// <summary>Keys whose state no longer exists; some may never have been stored.</summary>
    public required IReadOnlyList<string> Deletes { get; init; }

    /// <summary>Contributions to write. Each address stands at most once here and in <see cref="ContributionDeletes"/> together.</summary>
    public required IReadOnlyList<StoredContribution> ContributionUpserts { get; init; }

    /// <summary>Contributions that no longer exist; some may never have been stored.</summary>
    public required IReadOnlyList<ContributionId> ContributionDeletes { get; init; }
}

/// <summary>The state store cannot do this now (disk full, locked, out of reach). Nothing is lost; try again.</summary>
public sealed class StoreUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
