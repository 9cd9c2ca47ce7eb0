using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Folding;

/// <summary>
/// Redrives under everything that can go wrong: live is what a batch is, and a dead letter is folded once, however often it is redriven.
/// </summary>
public sealed class RedriveLawTests
{
    [Fact]
    public async Task With_redrives_among_crashes_and_stale_owners_every_live_state_is_the_batch_state()
    {
        for (var seed = 0; seed < 500; seed++)
            Nothing(await DifferenceAsync(seed), seed);
    }

    [Fact]
    public async Task If_every_redrive_were_folded_most_runs_would_be_wrong()
    {
        const int Runs = 60;
        var wrong = 0;
        for (var seed = 0; seed < Runs; seed++)
            wrong += await DifferenceAsync(seed, Sabotage.EveryRedrive) is null ? 0 : 1;
        Assert.True(wrong > Runs / 2, $"Only {wrong} of {Runs} runs were wrong: the test would not notice.");
    }

    [Fact]
    public async Task A_batch_folds_a_dead_letter_once_by_a_model_that_knows_nothing_of_the_fold()
    {
        var folded = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var topology = new TopologyBuilder().AddEntity<Item>(item => item.FromTopic(Pool.Items))
                .AddEntity<Person>(person => person.FromTopic(Pool.People)).Build();
            var log = await RedriveRecords.WriteAsync(random, 1, 1, 150);
            var expected = new SortedDictionary<string, Item>(ActorStreams.States.KeyOrder.Instance);
            folded += await ModelAsync(log, expected);
            var batch = await new BatchRunner(topology, log).RunAsync();
            Assert.True(
                expected.SequenceEqual(batch.States<Item>()),
                $"Seed {seed}:\n{string.Join('\n', expected)}\nbatch:\n{string.Join('\n', batch.States<Item>())}");
        }

        Assert.True(folded > 300, $"Only {folded} dead letters were folded by a redrive.");
    }

    [Fact]
    public async Task After_a_fix_every_dead_letter_is_folded_once_live_and_in_a_rebuild()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var partitions = random.Next(1, 4);
            var topology = new TopologyBuilder().AddEntity<Fixable>(entity => entity.WithPartitions(partitions))
                .AddView<FixableTotal>(view => view.WithPartitions(random.Next(1, 3))).Build();
            var log = new InMemoryChangeLog();
            await log.CreateTopicAsync("fixable", partitions);
            var (count, sum, bad) = await WriteFixableAsync(random, log, partitions);

            Fixable.IsFixed = false;
            var before = new World(topology, log, random);
            await before.RunAsync(random.Next(20, 150));
            // The definitions change between clean ends, and redrives come twice and thrice, with crashes all the while.
            Fixable.IsFixed = true;
            foreach (var id in bad.Concat(bad.Where(_ => random.Next(2) == 0)).Concat(bad.Where(_ => random.Next(3) == 0))
                .OrderBy(_ => random.Next()).ToList())
                await log.AppendAsync("fixable", [await RedriveRecords.OfAsync(log, id)]);
            var after = new World(topology, log, random) { Store = before.Store };
            await after.RunAsync(random.Next(50, 300));

            var total = JsonSerializer.Deserialize<FixableTotal>(
                (await after.StatesAsync(topology.Of<FixableTotal>()))["all"], topology.Of<FixableTotal>().Json)!;
            Assert.True(
                total == new FixableTotal(count, sum),
                $"Seed {seed}: {total}, but {count} records of the sum {sum} with {bad.Count} dead letters.");
            Nothing((await after.DifferencesAsync(await new BatchRunner(topology, log).RunAsync())).FirstOrDefault(), seed);
        }
    }

    private static async Task<(long Count, long Sum, List<DeadLetterId> Bad)> WriteFixableAsync(
        Random random, InMemoryChangeLog log, int partitions)
    {
        var (sum, bad, count) = (0L, new List<DeadLetterId>(), random.Next(20, 80));
        for (var i = 0; i < count; i++)
        {
            var (key, value) = ($"k{random.Next(9)}", random.Next(100));
            var position = (await log.AppendAsync("fixable", [new()
            {
                Partition = Partitioner.PartitionOf(key, partitions), Timestamp = 1 + i, Key = System.Text.Encoding.UTF8.GetBytes(key),
                Value = JsonSerializer.SerializeToUtf8Bytes(new FixableEvent(value), JsonSerializerOptions.Web),
            }]))[0];
            sum += value;
            if (value % 4 == 0)
                bad.Add(new("fixable", position, 0));
        }

        return (count, sum, bad);
    }

    private static void Nothing(string? difference, int seed) => Assert.True(difference is null, $"Seed {seed}: {difference}");

    private static async Task<string?> DifferenceAsync(int seed, Sabotage sabotage = Sabotage.None)
    {
        var random = new Random(seed);
        var topology = Pool.Random(random);
        var (items, people) = (random.Next(1, 4), random.Next(1, 3));
        var log = await RedriveRecords.WriteAsync(random, items, people, random.Next(20, 120));
        var world = new World(topology, log, random, sabotage);
        await world.RunAsync(random.Next(50, 400));
        return (await world.DifferencesAsync(await new BatchRunner(topology, log).RunAsync())).FirstOrDefault();
    }

    /// <summary>One partition of items, folded in the plainest way. How many dead letters a redrive folded.</summary>
    private static async Task<int> ModelAsync(InMemoryChangeLog log, SortedDictionary<string, Item> states)
    {
        var (open, folded) = (new HashSet<long>(), 0);
        await foreach (var batch in log.ReadRangeAsync(
            new(Pool.Items, 0), 0, (await log.OffsetsAsync(Pool.Items))[0].End, ReadLimits.Default))
        {
            foreach (var record in batch.Records)
            {
                var (header, key) = (Redrive.TextOf(record), System.Text.Encoding.UTF8.GetString(record.Key!.Value.Span));
                var named = DeadLetterId.TryParse(header, out var id) ? id : default;
                if (header is not null && named.Dataset is null)
                    open.Add(record.Offset);
                if (header is not null && (named.Dataset != "item" || !open.Contains(named.Position.Offset)))
                    continue;
                try
                {
                    var put = JsonSerializer.Deserialize<Put>(record.Value!.Value.Span, JsonSerializerOptions.Web)!;
                    var state = Item.Apply(
                        states.GetValueOrDefault(key),
                        new() { Key = key, Value = put, Time = DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp) });
                    states.Remove(key);
                    if (state is not null)
                        states[key] = state;
                    folded += header is not null && open.Remove(named.Position.Offset) ? 1 : 0;
                }
                catch (Exception)
                {
                    if (header is null)
                        open.Add(record.Offset);
                }
            }
        }

        return folded;
    }

    internal sealed record FixableEvent(int Value);

    /// <summary>An entity with a bug that is mended later.</summary>
    internal sealed record Fixable(long Count, long Sum) : IEntity<Fixable, FixableEvent>
    {
        internal static bool IsFixed { get; set; }

        public static Fixable? Apply(Fixable? state, in Record<FixableEvent> record) => !IsFixed && record.Value.Value % 4 == 0
            ? throw new InvalidOperationException("A bug.")
            : new((state?.Count ?? 0) + 1, (state?.Sum ?? 0) + record.Value.Value);
    }

    internal sealed record FixableTotal(long Count, long Sum) : IView<FixableTotal, Fixable>
    {
        public static IEnumerable<string> KeysOf(string key, Fixable source) => ["all"];

        public static FixableTotal? Apply(FixableTotal? state, in Change<Fixable> change) =>
            new((state?.Count ?? 0) + change.Sum(one => one.Count), (state?.Sum ?? 0) + change.Sum(one => one.Sum));
    }
}
