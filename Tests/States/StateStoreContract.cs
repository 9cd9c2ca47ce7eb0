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

    private static readonly Gen<PartitionId> GenPartition = Gen.OneOf(P("a"), P("b"), P("a", build: 2), P("a", partition: 1));

    private static readonly Gen<CheckpointWrite> GenWrite = Gen.Select(
        Gen.Select(GenPartition, Gen.Long[0, 3], GenBytes), GenState.List[0, 12], KeyOrderTests.GenKey.List[0, 6],
        Gen.Select(GenId, GenBytes).List[0, 12], GenId.List[0, 6],
        (head, upserts, deletes, contributions, removals) => Write(
            head.Item1, 1, head.Item3, upserts, deletes, contributions, removals, position: head.Item2));

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
                    // One in ten drops the build first; and one has a number that does not follow the stored one.
                    if (luck == 1)
                        await DropAsync(store, model, write.Partition);
                    var next = (model.GetValueOrDefault(write.Partition)?.Checkpoint.Number ?? 0) + 1;
                    var aimed = Numbered(write, luck == 0 ? next + 1 : next);
                    Assert.Equal(luck != 0, await store.WriteCheckpointAsync(aimed));
                    if (luck != 0)
                        (model.TryGetValue(write.Partition, out var known) ? known : model[write.Partition] = new()).Apply(aimed);
                }

                store = await AgainAsync(store);
                foreach (var partition in new[] { P("a"), P("b"), P("a", build: 2), P("a", partition: 1) })
                    await (model.GetValueOrDefault(partition) ?? new()).CheckAsync(store, partition, prefix, after, limit);
                await CloseAsync(store);
            },
            iter: Iterations, threads: 1);

    [Fact]
    public async Task A_condition_that_fails_writes_nothing()
    {
        var store = await OpenAsync();
        foreach (var number in new[] { 0, 2, 5 })
            Assert.False(await store.WriteCheckpointAsync(Write(P("a"), number, default, [new("k", default, 0, 0)])));
        Assert.Null(await store.ReadCheckpointAsync(P("a")));
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, default, [new("k", Bytes("1"), 4, 7)])));
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 2, default, [new("k", Bytes("2"), 4, 7)])));
        foreach (var number in new[] { 0, 1, 2, 4 })
            Assert.False(await store.WriteCheckpointAsync(Write(P("a"), number, default, [new("l", Bytes("3"), 8, 7)], ["k"])));
        Assert.Equal(2, (await store.ReadCheckpointAsync(P("a")))!.Number);
        Assert.Equal("k", Assert.Single(await store.ScanAsync(P("a"), "", null, 10)).Key);
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_checkpoint_may_stay_at_its_position_and_go_back_in_the_number_of_states()
    {
        var store = await OpenAsync();
        for (var number = 1; number <= 3; number++)
            Assert.True(await store.WriteCheckpointAsync(Write(P("a"), number, Bytes($"{number}"), [], position: 7)));
        Assert.Equal((3, 7), ((await store.ReadCheckpointAsync(P("a")))!.Number, (await store.ReadCheckpointAsync(P("a")))!.Position));
        await CloseAsync(store);
    }

    [Fact]
    public async Task Of_many_owners_at_once_one_wins_and_other_partitions_are_not_disturbed()
    {
        var store = await OpenAsync();
        var rivals = Enumerable.Range(0, 50)
            .Select(i => Write(P("a"), 1, default, [new($"rival {i}", default, 0, 0)], position: i + 1))
            .Select(write => store.WriteCheckpointAsync(write).AsTask());
        var others = Enumerable.Range(0, 50)
            .Select(i => store.WriteCheckpointAsync(Write(P("b", partition: i), 1, default, [new("k", default, 0, 0)])).AsTask());
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
        await store.WriteCheckpointAsync(Write(P("a"), 1, default, states));
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
        Assert.True(await store.WriteCheckpointAsync(Write(partition, 1, Noise(1 << 20), states, [], contributions)));
        Assert.True(
            await store.WriteCheckpointAsync(Write(
                partition, 2, Noise(1 << 20), [new(Key(), Noise(16 << 20), 1, 1)], [states[0].Key], [], [contributions[0].Item1])));
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
    public async Task The_catalog_is_replaced_as_a_whole_by_whoever_saw_the_last_one()
    {
        var store = await OpenAsync();
        Assert.Equal(new(0, ""), await store.ReadCatalogAsync());
        Assert.False(await store.WriteCatalogAsync(new(2, "early")));
        Assert.True(await store.WriteCatalogAsync(new(1, "first")));
        foreach (var number in new[] { 0, 1, 3 })
            Assert.False(await store.WriteCatalogAsync(new(number, "other")));
        var text = "\0 ü \U0001F600 " + new string('x', 100_000);
        Assert.True(await store.WriteCatalogAsync(new(2, text)));
        await store.DropAsync("a", 1);
        store = await AgainAsync(store);
        Assert.Equal(new(2, text), await store.ReadCatalogAsync());
        Assert.True(await store.WriteCatalogAsync(new(3, "")));
        Assert.Equal(new(3, ""), await store.ReadCatalogAsync());
        Assert.Empty(await store.ReadDatasetsAsync());
        await CloseAsync(store);
    }

    [Fact]
    public async Task Of_many_that_replace_the_catalog_at_once_each_number_has_one_that_wins()
    {
        var store = await OpenAsync();
        var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(rival => Task.Run(async () =>
        {
            var mine = new List<long>();
            for (var seen = await store.ReadCatalogAsync(); seen.Number < 15; seen = await store.ReadCatalogAsync())
            {
                // Each adds a letter to what it saw; a lost update would lose a letter.
                if (await store.WriteCatalogAsync(new(seen.Number + 1, seen.Text + (char)('a' + rival))))
                    mine.Add(seen.Number + 1);
            }

            return mine;
        })).ToList());
        var catalog = await store.ReadCatalogAsync();
        Assert.Equal(Enumerable.Range(1, (int)catalog.Number).Select(number => (long)number), won.SelectMany(mine => mine).Order());
        var letters = won.SelectMany((mine, rival) => mine.Select(number => (Number: number, Letter: (char)('a' + rival)))).Order();
        Assert.Equal(string.Concat(letters.Select(one => one.Letter)), catalog.Text);
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_build_is_dropped_with_all_it_has_and_no_other_with_it()
    {
        var store = await OpenAsync();
        await store.DropAsync("a", 1);
        PartitionId[] dropped = [P("a"), P("a", partition: 1)], others = [P("a", build: 2), P("b"), P("b", build: 2, partition: 1)];
        foreach (var id in dropped.Concat(others))
            Assert.True(await store.WriteCheckpointAsync(Full(id, 1)));
        await store.DropAsync("a", 1);
        await store.DropAsync("a", 1);
        await store.DropAsync("none", 7);
        for (var again = 0; again < 2; again++)
        {
            foreach (var id in dropped)
                await CheckEmptyAsync(store, id);
            foreach (var id in others)
            {
                Assert.Equal(again + 1, (await store.ReadCheckpointAsync(id))!.Number);
                Assert.Equal(10, (await store.ScanAsync(id, "", null, 100)).Count);
                Assert.Equal(10, Assert.Single(await store.ScanContributionsAsync(id, [new("k", 0, 100)])).Count);
                Assert.True(await store.WriteCheckpointAsync(Full(id, again + 2)));
            }

            store = await AgainAsync(store);
        }

        await CloseAsync(store);
    }

    [Fact]
    public async Task A_late_checkpoint_of_a_dropped_build_is_refused_and_one_that_begins_anew_finds_nothing()
    {
        var store = await OpenAsync();
        foreach (var number in new[] { 1, 2 })
            Assert.True(await store.WriteCheckpointAsync(Full(P("a"), number)));
        await store.DropAsync("a", 1);
        foreach (var number in new[] { 2, 3, 4 })
            Assert.False(await store.WriteCheckpointAsync(Full(P("a"), number)));
        await CheckEmptyAsync(store, P("a"));
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, default, [new("new", default, 0, 0)])));
        Assert.Equal("new", Assert.Single(await store.ScanAsync(P("a"), "", null, 100)).Key);
        Assert.Empty(Assert.Single(await store.ScanContributionsAsync(P("a"), [new("k", 0, 100)])));
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_build_that_is_dropped_while_its_owners_write_is_gone_and_those_of_others_do_not_notice()
    {
        var store = await OpenAsync();
        using var end = new CancellationTokenSource();
        async Task<long> OwnAsync(PartitionId id, bool isDropped)
        {
            for (var number = 1; ; number++)
            {
                var written = await store.WriteCheckpointAsync(Full(id, number));
                Assert.True(written || isDropped);
                if (!written || (!isDropped && end.IsCancellationRequested))
                    return number;
                foreach (var state in await store.LoadAsync(id, ["k1", "k2"]))
                    Assert.Equal(number, state.Offset);
            }
        }

        async Task DropAsync(int build)
        {
            for (var i = 0; i < 3; i++)
            {
                while (await store.ReadCheckpointAsync(P("a", build, i)) is not { Number: > 3 })
                    await Task.Yield();
            }

            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => store.DropAsync("a", build).AsTask()));
        }

        var others = Enumerable.Range(0, 3).Select(i => Task.Run(() => OwnAsync(P("b", partition: i), isDropped: false))).ToList();
        for (var build = 1; build <= 5; build++)
        {
            var current = build;
            var dropping = Task.Run(() => DropAsync(current));
            var owners = Enumerable.Range(0, 3).Select(i => Task.Run(() => OwnAsync(P("a", current, i), isDropped: true))).ToList();
            await dropping;
            await Task.WhenAll(owners);
            for (var i = 0; i < 3; i++)
                await CheckEmptyAsync(store, P("a", build, i));
        }

        await end.CancelAsync();
        Assert.All(await Task.WhenAll(others), number => Assert.True(number > 1));
        await CloseAsync(store);
    }

    protected static PartitionId P(string dataset, int build = 1, int partition = 0) => new(dataset, build, partition);

    protected static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static CheckpointWrite Write(
        PartitionId partition, long number, ReadOnlyMemory<byte> header, IReadOnlyList<StoredState> upserts,
        IReadOnlyList<string>? deletes = null,
        IReadOnlyList<(ContributionId Id, ReadOnlyMemory<byte> Value)>? contributions = null,
        IReadOnlyList<ContributionId>? removals = null, long position = 0)
    {
        // Each address stands once in a checkpoint.
        var (states, ids) = (upserts.DistinctBy(s => s.Key).ToList(), (contributions ?? []).DistinctBy(c => c.Id).ToList());
        return new()
        {
            Partition = partition,
            Checkpoint = new(number, position, states.Count, header),
            Upserts = states,
            Deletes = [.. (deletes ?? []).Distinct().Except(states.Select(s => s.Key))],
            ContributionUpserts = [.. ids.Select(c => new StoredContribution(c.Id, c.Value))],
            ContributionDeletes = [.. (removals ?? []).Distinct().Except(ids.Select(c => c.Id))],
        };
    }

    /// <summary>Ten states and ten contributions, all of which name the checkpoint.</summary>
    protected static CheckpointWrite Full(PartitionId partition, long number) => Write(
        partition, number, Bytes("header"),
        [.. Enumerable.Range(0, 10).Select(i => new StoredState($"k{i}", Bytes($"{number}"), number, 0))],
        [], [.. Enumerable.Range(0, 10).Select(i => (new ContributionId("k", 0, Bytes($"{i}")), Bytes($"{number}")))], position: number);

    /// <summary>Nothing of the partition is found, in whatever way it is read.</summary>
    protected static async Task CheckEmptyAsync(IStateStore store, PartitionId partition)
    {
        Assert.Empty(await store.LoadAsync(partition, ["k1", "k2"]));
        Assert.Null(await store.ReadCheckpointAsync(partition));
        Assert.Empty(await store.LoadAsync(partition, ["k1", "k2"]));
        Assert.Empty(await store.ScanAsync(partition, "", null, 100));
        Assert.Empty(Assert.Single(await store.ScanContributionsAsync(partition, [new("k", 0, 100)])));
        Assert.Empty(await store.LoadContributionsAsync(partition, [new("k", 0, Bytes("1"))]));
    }

    private static async Task DropAsync(IStateStore store, Dictionary<PartitionId, Model> model, PartitionId partition)
    {
        await store.DropAsync(partition.Dataset, partition.Build);
        foreach (var id in model.Keys.Where(id => id.Dataset == partition.Dataset && id.Build == partition.Build).ToList())
            model.Remove(id);
    }

    private static CheckpointWrite Numbered(CheckpointWrite write, long number) => new()
    {
        Partition = write.Partition,
        Checkpoint = write.Checkpoint with { Number = number },
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

        private static string Point(Checkpoint c) => $"{c.Number} {c.Position} {c.States} {Hex(c.Header)}";
    }
}

public sealed class InMemoryStateStoreTests : StateStoreContract
{
    protected override Task<IStateStore> OpenAsync() => Task.FromResult<IStateStore>(new InMemoryStateStore());
}
