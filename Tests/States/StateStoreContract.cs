using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;
using CsCheck;

namespace ActorStreams.Tests.States;

/// <summary>What holds on every state store.</summary>
public abstract class StateStoreContract
{
    private static readonly Gen<ReadOnlyMemory<byte>> GenBytes = Gen.Byte.Array[0, 12].Select(b => (ReadOnlyMemory<byte>)b);

    private static readonly Gen<StoredState> GenState =
        Gen.Select(KeyOrderTests.GenKey, GenBytes, Gen.Long, Gen.Long, (key, state, offset, timestamp) => new StoredState(
            key, state, offset, timestamp));

    private static readonly Gen<ContributionId> GenId =
        Gen.Select(KeyOrderTests.GenKey, Gen.Int[-1, 2], Gen.OneOf<byte>(
            0, 1, 255).Array[0, 3], (key, slot, element) => new ContributionId(key, slot, element));

    private static readonly Gen<PartitionId> GenPartition = Gen.OneOf(P("a"), P("b"), P("a", version: 2), P("a", partition: 1));

    private static readonly Gen<CheckpointWrite> GenWrite = Gen.Select(
        Gen.Select(GenPartition, Gen.Long[0, 3], GenBytes), GenState.List[0, 12], KeyOrderTests.GenKey.List[0, 6],
        Gen.Select(GenId, GenBytes).List[0, 12], GenId.List[0, 6],
        (head, upserts, deletes, contributions, removals) => Write(
            head.Item1, head.Item2, null, head.Item3, upserts, deletes, contributions, removals));

    /// <summary>A new, empty store.</summary>
    protected abstract Task<IStateStore> OpenAsync();

    /// <summary>The store after what its kind can survive: a durable one is closed and opened again.</summary>
    protected virtual Task<IStateStore> AgainAsync(IStateStore store) => Task.FromResult(store);

    /// <summary>How many random histories are tried: fewer where each takes long.</summary>
    protected virtual int Iterations => 60;

    protected static async ValueTask CloseAsync(IStateStore store)
    {
        if (store is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }

    [Fact]
    public Task The_store_holds_what_its_checkpoints_wrote() => Gen
        .Select(Gen.Select(GenWrite, Gen.Int[0, 9]).List[1, 8], KeyOrderTests.GenKey, KeyOrderTests.GenKey, Gen.Int[0, 8])
        .SampleAsync(
            async (writes, prefix, after, limit) =>
            {
                var store = await OpenAsync();
                var model = new Dictionary<PartitionId, Model>();
                foreach (var (write, luck) in writes)
                {
                    // One in ten expects a position that is not the stored one.
                    var stored = model.GetValueOrDefault(write.Partition)?.Checkpoint.Position;
                    var aimed = Expecting(write, luck == 0 ? (stored ?? 0) + 1 : stored);
                    Assert.Equal(luck != 0, await store.WriteCheckpointAsync(aimed));
                    if (luck != 0)
                        (model.TryGetValue(write.Partition, out var known) ? known : model[write.Partition] = new()).Apply(aimed);
                }

                store = await AgainAsync(store);
                foreach (var partition in new[] { P("a"), P("b"), P("a", version: 2), P("a", partition: 1) })
                    await (model.GetValueOrDefault(partition) ?? new()).CheckAsync(store, partition, prefix, after, limit);
                await CloseAsync(store);
            },
            iter: Iterations, threads: 1);

    [Fact]
    public async Task A_condition_that_fails_writes_nothing()
    {
        var store = await OpenAsync();
        Assert.False(await store.WriteCheckpointAsync(Write(P("a"), 5, expected: 4, default, [new("k", default, 0, 0)])));
        Assert.Null(await store.ReadCheckpointAsync(P("a")));
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 5, expected: null, default, [new("k", Bytes("1"), 4, 7)])));
        foreach (var expected in new long?[] { null, 4, 6 })
            Assert.False(await store.WriteCheckpointAsync(Write(P("a"), 9, expected, default, [new("l", Bytes("2"), 8, 7)], ["k"])));
        Assert.Equal(5, (await store.ReadCheckpointAsync(P("a")))!.Position);
        Assert.Equal("k", Assert.Single(await store.ScanAsync(P("a"), "", null, 10)).Key);
        await CloseAsync(store);
    }

    [Fact]
    public async Task Of_many_owners_at_once_one_wins_and_other_partitions_are_not_disturbed()
    {
        var store = await OpenAsync();
        var rivals = Enumerable.Range(0, 50)
            .Select(i => store.WriteCheckpointAsync(Write(P("a"), i + 1, null, default, [new($"rival {i}", default, 0, 0)])).AsTask());
        var others = Enumerable.Range(0, 50)
            .Select(i => store.WriteCheckpointAsync(Write(P("b", partition: i), 1, null, default, [new("k", default, 0, 0)])).AsTask());
        var (won, fine) = (await Task.WhenAll(rivals.ToList()), await Task.WhenAll(others.ToList()));
        var winner = Array.IndexOf(won, true);
        Assert.Single(won, true);
        Assert.Equal($"rival {winner}", Assert.Single(await store.ScanAsync(P("a"), "", null, 100)).Key);
        Assert.Equal(winner + 1, (await store.ReadCheckpointAsync(P("a")))!.Position);
        Assert.DoesNotContain(false, fine);
        await CloseAsync(store);
    }

    [Fact]
    public async Task Thousands_of_keys_are_loaded_at_once()
    {
        var store = await OpenAsync();
        var states = Enumerable.Range(0, 5_000).Select(i => new StoredState($"key {i}", Bytes($"{i}"), i, -i)).ToList();
        await store.WriteCheckpointAsync(Write(P("a"), 1, null, default, states));
        var found = await store.LoadAsync(P("a"), [.. states.Select(s => s.Key).Where((_, i) => i % 2 == 0), "none"]);
        Assert.Equal(states.Where((_, i) => i % 2 == 0).Select(Show).Order(), found.Select(Show).Order());
        await CloseAsync(store);
    }

    [Fact]
    public async Task Whatever_the_limits_allow_is_stored()
    {
        var random = new Random(7);
        byte[] Noise(int length) => [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(256))];
        // Half of the bytes of three-byte characters are random: no store can compress such a key to a fraction.
        string Key() =>
            string.Concat(Enumerable.Range(0, FoldLimits.MaxKeyBytes / 3)
                .Select(_ => (char)random.Next(0x0800, 0xD800))) + (char)random.Next(1, 0x80);
        var store = await OpenAsync();
        var partition = P(new string('d', TopicName.MaxLength), int.MaxValue, int.MaxValue);
        var states = Enumerable.Range(0, 200).Select(_ => new StoredState(Key(), Noise(1_000), long.MaxValue, long.MinValue)).ToList();
        Assert.All(states, state => Assert.Equal(FoldLimits.MaxKeyBytes, Encoding.UTF8.GetByteCount(state.Key)));
        var contributions =
            states.Select(state =>
                (new ContributionId(state.Key, int.MaxValue, Noise(FoldLimits.MaxElementBytes)), (ReadOnlyMemory<byte>)Noise(8))).ToList();
        Assert.True(await store.WriteCheckpointAsync(Write(partition, 1, null, Noise(1 << 20), states, [], contributions)));
        Assert.True(
            await store.WriteCheckpointAsync(Write(
                partition, 2, 1, Noise(1 << 20), [new(Key(), Noise(16 << 20), 1, 1)], [states[0].Key], [], [contributions[0].Item1])));
        store = await AgainAsync(store);
        var kept = states.Skip(1).ToList();
        Assert.Equal(kept.Select(Show).Order(), (await store.LoadAsync(partition, [.. states.Select(s => s.Key)])).Select(Show).Order());
        Assert.Equal(states.Count, (await store.ScanAsync(partition, "", null, 1_000)).Count);
        var scanned = await store.ScanContributionsAsync(
            partition, [.. states.Select(state => new ContributionScan(state.Key, int.MaxValue, 10))]);
        Assert.Equal([0, .. kept.Select(_ => 1)], scanned.Select(found => found.Count));
        await CloseAsync(store);
    }

    [Fact]
    public async Task The_descriptions_of_datasets_are_replaced_and_survive_a_clearing()
    {
        var store = await OpenAsync();
        Assert.Empty(await store.ReadDatasetsAsync());
        await store.WriteDatasetsAsync(new Dictionary<string, string> { ["a"] = "1", ["b"] = "" });
        await store.WriteDatasetsAsync(new Dictionary<string, string> { ["a"] = "2", ["c"] = "\0 ü" });
        await store.WriteCheckpointAsync(Write(P("a"), 1, null, default, [new("k", default, 0, 0)], [], [(new("k", 0, default), default)]));
        await store.ClearAsync();
        store = await AgainAsync(store);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "2", ["c"] = "\0 ü" }, await store.ReadDatasetsAsync());
        Assert.Null(await store.ReadCheckpointAsync(P("a")));
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, null, default, [])));
        Assert.Empty(await store.ScanAsync(P("a"), "", null, 10));
        Assert.Empty(Assert.Single(await store.ScanContributionsAsync(P("a"), [new("k", 0, 10)])));
        await CloseAsync(store);
    }

    protected static PartitionId P(string dataset, int version = 1, int partition = 0) => new(dataset, version, partition);

    protected static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static CheckpointWrite Write(
        PartitionId partition, long position, long? expected, ReadOnlyMemory<byte> marks, IReadOnlyList<StoredState> upserts,
        IReadOnlyList<string>? deletes = null,
        IReadOnlyList<(ContributionId Id, ReadOnlyMemory<byte> Value)>? contributions = null,
        IReadOnlyList<ContributionId>? removals = null)
    {
        // Each address stands once in a checkpoint.
        var (states, ids) = (upserts.DistinctBy(s => s.Key).ToList(), (contributions ?? []).DistinctBy(c => c.Id).ToList());
        return new()
        {
            Partition = partition,
            ExpectedPosition = expected,
            Checkpoint = new(position, states.Count, marks),
            Upserts = states,
            Deletes = [.. (deletes ?? []).Distinct().Except(states.Select(s => s.Key))],
            ContributionUpserts = [.. ids.Select(c => new StoredContribution(c.Id, c.Value))],
            ContributionDeletes = [.. (removals ?? []).Distinct().Except(ids.Select(c => c.Id))],
        };
    }

    private static CheckpointWrite Expecting(CheckpointWrite write, long? position) => new()
    {
        Partition = write.Partition,
        ExpectedPosition = position,
        Checkpoint = write.Checkpoint,
        Upserts = write.Upserts,
        Deletes = write.Deletes,
        ContributionUpserts = write.ContributionUpserts,
        ContributionDeletes = write.ContributionDeletes,
    };

    private static string Show(StoredState s) => $"{Hex(Bytes(s.Key))} = {Hex(s.State)} {s.Offset} @{s.Timestamp}";

    private static string Show(StoredContribution c) => $"{Hex(Bytes(c.Id.Key))} {c.Id.Slot} {Hex(c.Id.Element)} = {Hex(c.Value)}";

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private sealed class Model
    {
        private readonly Dictionary<string, StoredState> _states = [];
        private readonly Dictionary<ContributionId, ReadOnlyMemory<byte>> _contributions = [];

        public Checkpoint Checkpoint { get; private set; } = null!;

        public void Apply(CheckpointWrite write)
        {
            Checkpoint = write.Checkpoint;
            foreach (var state in write.Upserts)
                _states[state.Key] = state;
            foreach (var key in write.Deletes)
                _states.Remove(key);
            foreach (var (id, value) in write.ContributionUpserts)
                _contributions[id] = value;
            foreach (var id in write.ContributionDeletes)
                _contributions.Remove(id);
        }

        public async Task CheckAsync(IStateStore store, PartitionId partition, string prefix, string after, int limit)
        {
            var checkpoint = await store.ReadCheckpointAsync(partition);
            Assert.Equal(Checkpoint is null ? null : Point(Checkpoint), checkpoint is null ? null : Point(checkpoint));
            var states = _states.Values.OrderBy(s => Hex(Bytes(s.Key)), StringComparer.Ordinal).ToList();
            Assert.Equal(states.Select(Show), (await store.ScanAsync(partition, "", null, 1_000)).Select(Show));
            var range = states.Where(s => s.Key.StartsWith(prefix, StringComparison.Ordinal));
            Assert.Equal(range.Take(limit).Select(Show), (await store.ScanAsync(partition, prefix, null, limit)).Select(Show));
            Assert.Equal(
                range.Where(s => KeyOrder.Instance.Compare(s.Key, after) > 0).Take(limit).Select(Show),
                (await store.ScanAsync(partition, prefix, after, limit)).Select(Show));
            Assert.Equal(
                states.Select(Show),
                (await store.LoadAsync(partition, [.. _states.Keys, "none"])).OrderBy(s => s.Key, KeyOrder.Instance).Select(Show));
            await CheckContributionsAsync(store, partition, limit);
        }

        private async Task CheckContributionsAsync(IStateStore store, PartitionId partition, int limit)
        {
            // Each slot twice, whole and in part, and one that has nothing.
            var slots = _contributions.Keys.Select(id => (id.Key, id.Slot)).Distinct().Append((Key: "none", Slot: 7)).ToList();
            ContributionScan[] scans =
            [
                .. slots.SelectMany(slot => new[] { 1_000, limit }.Select(most => new ContributionScan(slot.Key, slot.Slot, most))),
            ];
            Assert.Equal(
                scans.Select(Expected), (await store.ScanContributionsAsync(partition, scans)).Select(found => found.Select(Show)));
            Assert.Empty(await store.ScanContributionsAsync(partition, []));

            Assert.Equal(
                _contributions.Select(c => Show(new StoredContribution(c.Key, c.Value))).Order(StringComparer.Ordinal),
                (await store.LoadContributionsAsync(partition, [.. _contributions.Keys, new("none", 7, default)])).Select(Show)
                    .Order(StringComparer.Ordinal));
        }

        private IEnumerable<string> Expected(ContributionScan scan) => _contributions
            .Where(c => c.Key.Key == scan.Key && c.Key.Slot == scan.Slot).OrderBy(c => Hex(c.Key.Element), StringComparer.Ordinal)
            .Take(scan.Limit)
            .Select(c => Show(new StoredContribution(c.Key, c.Value)));

        private static string Point(Checkpoint c) => $"{c.Position} {c.States} {Hex(c.Marks)}";
    }
}

public sealed class InMemoryStateStoreTests : StateStoreContract
{
    protected override Task<IStateStore> OpenAsync() => Task.FromResult<IStateStore>(new InMemoryStateStore());
}
