using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Reducing;
using ActorStreams.Tests.Folding;

namespace ActorStreams.Tests.Reducing;

public sealed class ReductionTests
{
    [Fact]
    public async Task Reductions_with_a_store_behind_are_what_a_plain_list_gives()
    {
        for (var seed = 0; seed < 300; seed++)
            await CheckAsync(seed);
    }

    [Fact]
    public async Task A_ranking_that_overflows_in_a_batch_keeps_what_the_rest_of_the_batch_takes_away()
    {
        var rig = new ViewRig<Ranks>(new() { SpareRanks = 0, KnownElements = 4 });
        for (var i = 0; i < 20; i++)
            rig.Write("v", $"s{i:00}", null, new(i));
        for (var i = 19; i > 0; i--)
            rig.Write("v", $"s{i:00}", new(i), null);
        await rig.FoldAsync();
        Assert.Equal(Expected(rig, new() { ["s00"] = new(0) }), await rig.StateAsync("v"));
    }

    [Fact]
    public async Task A_change_that_is_set_aside_leaves_what_stands_beside_the_state_as_it_was()
    {
        var rig = new ViewRig<Ranks>(new());
        rig.Write("v", "broken", null, new(10, Bad: true));
        rig.Write("v", "broken", new(10, Bad: true), new(20, Bad: true));
        rig.Write("v", "good", null, new(5));
        Assert.Equal(2, (await rig.FoldAsync()).DeadLetters.Count);
        Assert.Equal(Expected(rig, new() { ["good"] = new(5) }), await rig.StateAsync("v"));
    }

    private static async Task CheckAsync(int seed)
    {
        var random = new Random(seed);
        var rig = new ViewRig<Ranks>(
            new() { SpareRanks = random.Next(0, 5), KnownElements = random.Next(1, 9), TableEntries = random.Next(1, 3) });
        var model = new Dictionary<string, Dictionary<string, Sample>> { ["a"] = [], ["b"] = [], ["c"] = [] };
        for (var round = random.Next(2, 12); round > 0; round--)
        {
            for (var changes = random.Next(40); changes > 0; changes--)
                Change(random, rig, model);
            Assert.Empty((await rig.FoldAsync()).DeadLetters);
            if (random.Next(2) == 0)
                await rig.CheckpointAsync();
            if (random.Next(4) == 0)
                await rig.RestartAsync();
        }

        foreach (var (viewKey, samples) in model)
            Assert.True(
                Expected(rig, samples) == await rig.StateAsync(viewKey),
                $"Seed {seed}, key {viewKey}: {Expected(rig, samples)} but {await rig.StateAsync(viewKey)}");
    }

    private static void Change(Random random, ViewRig<Ranks> rig, Dictionary<string, Dictionary<string, Sample>> model)
    {
        var (viewKey, key) = ("abc"[random.Next(3)].ToString(), $"s{random.Next(30)}");
        var before = model[viewKey].GetValueOrDefault(key);
        var after = random.Next(5) < 2 ? null : new Sample(random.Next(-12, 12));
        if (before is null && after is null)
            return;
        rig.Write(viewKey, key, before, after);
        if (after is null)
            model[viewKey].Remove(key);
        else
            model[viewKey][key] = after;
    }

    /// <summary>The plain way: sort them all, every time.</summary>
    private static string? Expected(ViewRig<Ranks> rig, Dictionary<string, Sample> samples)
    {
        if (samples.Count == 0)
            return null;
        List<Ranked<int>> Sorted(bool descending, int count, Func<int, bool> where) =>
        [
            .. samples.Where(s => where(s.Value.Value)).Select(s => new Ranked<int>(s.Key, s.Value.Value))
                .OrderBy(r => descending ? -r.Value : r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Take(count),
        ];
        return Encoding.UTF8.GetString(rig.Json(new Ranks(
            Sorted(true, 1, _ => true)[0], Sorted(false, 1, _ => true)[0], Sorted(true, 3, v => v % 2 == 0), Sorted(false, 2, v => v > 0),
            samples.Values.Select(s => s.Value % 5).Distinct().Count()))!);
    }

    internal sealed record Ranks(
        Ranked<int> Max, Ranked<int> Min, IReadOnlyList<Ranked<int>> Top, IReadOnlyList<Ranked<int>> Bottom, long Different)
        : IReducingView<Ranks, Sample>
    {
        private static readonly Ranking<Sample, int> Highest = Reduce.Max((Sample s) => s.Value);
        private static readonly Ranking<Sample, int> Lowest = Reduce.Min((Sample s) => s.Value);
        private static readonly Ranking<Sample, int> Three = Reduce.Top(3, (Sample s) => s.Value, s => s.Value % 2 == 0);
        private static readonly Ranking<Sample, int> Two = Reduce.Bottom(2, (Sample s) => s.Value, s => s.Value > 0);
        private static readonly DistinctCount<Sample, int> Remainders = Reduce.Distinct((Sample s) => s.Value % 5);

        public static IReadOnlyList<Reduction<Sample>> Reductions => [Highest, Lowest, Three, Two, Remainders];

        public static IEnumerable<string> KeysOf(string key, Sample source) => [];

        public static Ranks? Apply(Ranks? state, in Change<Sample> change, in Reduced<Sample> reduced)
        {
            if (change.After?.Bad == true)
                throw new InvalidOperationException("Bad.");
            return reduced.First(Highest) is not { } highest
                ? null
                : new(highest, reduced.First(Lowest)!.Value, reduced.All(Three), reduced.All(Two), reduced.Count(Remainders));
        }
    }
}
