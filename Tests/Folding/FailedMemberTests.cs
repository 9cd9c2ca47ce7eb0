using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Tests.Folding;

/// <summary>A side of a change that cannot be folded is one that is not there, before and after alike (semantics §3).</summary>
public sealed class FailedMemberTests
{
    [Fact]
    public async Task A_sum_forgets_a_source_that_it_cannot_fold_and_has_it_again_once_it_can()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Sample>().AddView<Sum>()));
        await run.AppendAsync<Sample>("a", new Sample(10));
        await run.AppendAsync<Sample>("b", new Sample(1));
        await run.AppendAsync<Sample>("a", new Sample(13));
        Assert.Equal("{\"count\":1,\"total\":1}", await run.StateAsync<Sum>("all"));
        await run.AppendAsync<Sample>("a", new Sample(20));
        Assert.Equal("{\"count\":2,\"total\":21}", await run.StateAsync<Sum>("all"));
        Assert.Contains("The fold of Sum failed: Thirteen.", Assert.Single(run.DeadLetters));
        await run.AssertIsBatchAsync<Sum>();
    }

    [Fact]
    public async Task A_source_that_never_could_be_folded_leaves_nothing_behind()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Order>().AddView<Spent>()));
        await run.AppendAsync<Order>("a", new Order(5e28m));
        await run.AppendAsync<Order>("b", new Order(5e28m));
        Assert.Single(run.DeadLetters);
        await run.AppendAsync<Order>("b", (object?)null);
        await run.AppendAsync<Order>("a", (object?)null);
        Assert.Empty(await run.StatesAsync<Spent>());
        await run.AssertIsBatchAsync<Spent>();
    }

    [Fact]
    public async Task A_source_that_cannot_leave_is_taken_back_when_it_can()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Sample>().AddView<Sticky>()));
        await run.AppendAsync<Sample>("a", new Sample(10));
        await run.AppendAsync<Sample>("lock", new Sample(1));
        await run.AppendAsync<Sample>("a", (object?)null);
        Assert.Equal("{\"total\":11,\"locked\":true,\"most\":10}", await run.StateAsync<Sticky>("all"));
        await run.AppendAsync<Sample>("lock", (object?)null);
        await run.AppendAsync<Sample>("a", new Sample(7));
        Assert.Equal("{\"total\":7,\"locked\":false,\"most\":7}", await run.StateAsync<Sticky>("all"));
        await run.AssertIsBatchAsync<Sticky>();
    }

    [Fact]
    public async Task Random_changes_some_of_which_cannot_be_folded_come_to_the_fold_of_those_that_can()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Sample>().AddView<Sum>().AddView<Best>()));
            var model = new Dictionary<string, int>();
            for (var left = random.Next(5, 40); left > 0; left--)
            {
                var (key, value) = ($"k{random.Next(4)}", random.Next(5) == 0 ? 0 : random.Next(3) == 0 ? 13 : random.Next(1, 30));
                await run.AppendAsync<Sample>(key, value == 0 ? null : new Sample(value));
                model[key] = value;
            }

            var folded = model.Values.Where(value => value is not 0 and not 13).ToList();
            Assert.True(
                (folded.Count == 0 ? null : $"{{\"count\":{folded.Count},\"total\":{folded.Sum()}}}") == await run.StateAsync<Sum>("all"),
                    $"Seed {seed}");
            Assert.True(
                (folded.Count == 0
                    ? null
                    : $"{{\"value\":{folded.Max()},\"different\":{folded.Distinct().Count()}}}") == await run.StateAsync<Best>("all"),
                        $"Seed {seed}");
            await run.AssertIsBatchAsync<Sum>();
            await run.AssertIsBatchAsync<Best>();
        }
    }

    internal sealed record Order(decimal Total) : IEntity<Order, Order>
    {
        public static Order? Apply(Order? state, in Record<Order> record) => record.Value;
    }

    internal sealed record Spent(int Orders, decimal Total) : IView<Spent, Order>
    {
        public static IEnumerable<string> KeysOf(string key, Order source) => ["all"];

        public static Spent? Apply(Spent? state, in Change<Order> change)
        {
            var next = new Spent((state?.Orders ?? 0) + change.Count, (state?.Total ?? 0) + change.Sum(order => order.Total));
            return next.Orders == 0 ? null : next;
        }
    }

    internal sealed record Sum(int Count, int Total) : IView<Sum, Sample>
    {
        public static IEnumerable<string> KeysOf(string key, Sample source) => ["all"];

        public static Sum? Apply(Sum? state, in Change<Sample> change)
        {
            if (change.After?.Value == 13 || change.Before?.Value == 13)
                throw new InvalidOperationException("Thirteen.");
            var count = (state?.Count ?? 0) + change.Count;
            return count == 0 ? null : new(count, (state?.Total ?? 0) + change.Sum(sample => sample.Value));
        }
    }

    internal sealed record Best(int Value, long Different) : IReducingView<Best, Sample>
    {
        private static readonly Ranking<Sample, int> Highest = Reduce.Max((Sample s) => s.Value);
        private static readonly DistinctCount<Sample, int> Values = Reduce.Distinct((Sample s) => s.Value);

        public static IReadOnlyList<Reduction<Sample>> Reductions => [Highest, Values];

        public static IEnumerable<string> KeysOf(string key, Sample source) => ["all"];

        public static Best? Apply(Best? state, in Change<Sample> change, in Reduced<Sample> reduced) => change.After?.Value == 13
            ? throw new InvalidOperationException("Thirteen.")
            : reduced.First(Highest) is { } first ? new(first.Value, reduced.Count(Values)) : null;
    }

    /// <summary>While somebody locks it, nobody else can leave.</summary>
    internal sealed record Sticky(int Total, bool Locked, int? Most) : IReducingView<Sticky, Sample>
    {
        private static readonly Ranking<Sample, int> Highest = Reduce.Max((Sample s) => s.Value);

        public static IReadOnlyList<Reduction<Sample>> Reductions => [Highest];

        public static IEnumerable<string> KeysOf(string key, Sample source) => ["all"];

        public static Sticky? Apply(Sticky? state, in Change<Sample> change, in Reduced<Sample> reduced)
        {
            if (state?.Locked == true && change.Key != "lock")
                throw new InvalidOperationException("Locked.");
            return new((state?.Total ?? 0) + change.Sum(sample =>
                sample.Value), change.Key == "lock" ? change.After is not null : state?.Locked == true, reduced.First(Highest)?.Value);
        }
    }
}
