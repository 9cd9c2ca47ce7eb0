using ActorStreams.DeadLetters;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Reducing;

namespace ActorStreams.Tests.Folding;

/// <summary>What no store or log could take is a dead letter before it is sent, and concerns nobody else.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_state_too_deep_to_be_written_is_a_dead_letter_watched_or_not(bool isWatched)
    {
        var fold = RestartingRun.Of(t => t.AddEntity<Chain>()).Of<Chain>().CreateFold(0, FoldOptions.InMemory);
        fold.Restore(null);
        if (isWatched)
            fold.WatchedKeys.Add("deep");
        var records = Enumerable.Range(0, 80).Select(i => Record(i, i % 8 == 7 ? "other" : "deep", "{\"text\":\"x\"}"));
        var output = await fold.FoldAsync(Batch(fold, [.. records]), null);
        Assert.Contains("The state of type Chain cannot be stored", output.DeadLetters[0].Reason);
        Assert.All(output.DeadLetters, letter => Assert.Equal(("deep", FaultKind.Unstorable), (letter.Key, letter.Kind)));
        Assert.Equal(80 - 10 - 63, output.DeadLetters.Count);
        Assert.Equal(2, fold.BeginCheckpoint().Upserts.Count);
    }

    [Fact]
    public async Task A_state_over_its_bound_is_a_dead_letter_and_stays_as_it_was()
    {
        var run = new RestartingRun(RestartingRun.Of(t =>
            t.AddEntity<Note>(note => note.WithMaxStateBytes(1_000)).AddView<Copy>(copy => copy.WithMaxStateBytes(500))));
        await run.AppendAsync<Note>("k", new Note("", 300));
        await run.AppendAsync<Note>("k", new Note("", 1_001));
        Assert.Contains(
            "At most 1,000 are taken. Keep less in one state, spread it over several keys, or raise WithMaxStateBytes.",
                Assert.Single(run.DeadLetters));
        await run.AppendAsync<Note>("k", new Note("", 700));
        Assert.Equal(2, run.DeadLetters.Count);
        Assert.Null(await run.StateAsync<Copy>("all"));
        await run.AppendAsync<Note>("k", new Note("", 200));
        Assert.Contains("\"text\":\"xxx", await run.StateAsync<Copy>("all"));
        await run.AssertIsBatchAsync<Copy>();
        Assert.Throws<TopologyException>(() => RestartingRun.Of(t => t.AddEntity<Note>(note => note.WithMaxStateBytes(460_801))));
        Assert.Throws<TopologyException>(() =>
            RestartingRun.Of(t => t.AddEntity<Note>().AddView<Copy>(copy => copy.WithMaxKeysPerState(0))));
    }

    [Fact]
    public async Task Two_states_of_the_highest_bound_and_many_long_keys_make_frames_that_a_log_takes()
    {
        var topology = RestartingRun.Of(t => t.AddEntity<Note>(note => note.WithMaxStateBytes(460_800)).AddView<Spread>());
        var fold = topology.Of<Note>().CreateFold(0, FoldOptions.InMemory);
        fold.Restore(null);
        var output = await fold.FoldAsync(
            Batch(fold, [Record(0, "k", "{\"text\":\"a\",\"length\":460700}"), Record(1, "k", "{\"text\":\"b\",\"length\":460701}")]),
                null);
        Assert.Empty(output.DeadLetters);
        var routes = 0;
        var origins = new List<(long, long)>();
        foreach (var frame in output.Frames)
        {
            Assert.InRange(FrameReader.BodyBytesOf(frame.Bytes), 1, 999_999);
            var reader = new FrameReader(frame.Bytes);
            while (reader.NextChange())
            {
                for (; reader.NextRoute(out _, out var index, out _); routes++)
                    origins.Add((reader.Offset, index));
            }
        }

        Assert.Equal(2 * Spread.Keys, routes);
        Assert.Equal(origins.Order(), origins);
    }

    [Fact]
    public async Task A_key_too_long_for_a_store_is_a_dead_letter_that_says_how_long()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Note>().AddView<ByText>()));
        await run.AppendAsync<Note>(new string('k', 1_025), new Note("a", 1));
        Assert.Contains("The record's key has 1,025 bytes of UTF-8, but at most 1,024 are taken.", Assert.Single(run.DeadLetters));
        await run.AppendAsync<Note>(new string('k', 1_024), new Note("b", 1));
        await run.AppendAsync<Note>("v", new Note("x", 1_025));
        Assert.Contains("has 1,025 bytes of UTF-8, but at most 1,024 are taken.", run.DeadLetters[1]);
        await run.AppendAsync<Note>("w", new Note("é", 513));
        Assert.Contains("has 1,026 bytes", run.DeadLetters[2]);
        Assert.Equal(["b {\"count\":1}"], await run.StatesAsync<ByText>());
        await run.AssertIsBatchAsync<ByText>();
    }

    [Fact]
    public async Task Halves_of_surrogate_pairs_are_no_view_keys()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Note>().AddView<Halves>()));
        await run.AppendAsync<Note>("a", new Note("a", 1));
        Assert.Contains("has half of a surrogate pair", Assert.Single(run.DeadLetters));
        Assert.Empty(await run.StatesAsync<Halves>());
    }

    [Fact]
    public async Task What_is_ranked_has_a_bound_and_a_source_beyond_it_does_not_take_part()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Note>().AddView<Longest>()));
        await run.AppendAsync<Note>("a", new Note("a", 10));
        await run.AppendAsync<Note>("b", new Note("b", 4_000));
        Assert.Contains("has 4,003 bytes, but at most 1,536 are taken", Assert.Single(run.DeadLetters));
        await run.AppendAsync<Note>("b", new Note("b", 5));
        Assert.Equal("{\"key\":\"b\"}", await run.StateAsync<Longest>("all"));
        await run.AssertIsBatchAsync<Longest>();
    }

    [Fact]
    public async Task An_exception_whose_text_throws_is_a_dead_letter_like_any_other()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Rude>().AddView<RudeView>()));
        await run.AppendAsync<Rude>("k", new Rude(1));
        await run.AppendAsync<Rude>("k", new Rude(2));
        Assert.Equal(2, run.DeadLetters.Count(letter =>
            letter.Contains("RudeException (its text cannot be read: that throws as well)", StringComparison.Ordinal)));
        Assert.Equal("{\"value\":1}", await run.StateAsync<Rude>("k"));
    }

    private static ChangeRecord Record(long offset, string key, string value) =>
        new() { Offset = offset, Timestamp = 1_000 + offset, Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) };

    private static RecordBatch Batch(PartitionFold fold, List<ChangeRecord> records) =>
        new() { Partition = new(fold.Dataset.Topic, 0), Records = records, NextOffset = records[^1].Offset + 1,
            EndOffset = records[^1].Offset + 1 };

    internal sealed record Chain(Chain? Next, int Depth) : IEntity<Chain, Note>
    {
        public static Chain? Apply(Chain? state, in Record<Note> record) => new(state, (state?.Depth ?? 0) + 1);
    }

    internal sealed record Note(string Text, int Length = 1) : IEntity<Note, Note>
    {
        public static Note? Apply(Note? state, in Record<Note> record) =>
            new(
                string.Concat(Enumerable.Repeat(record.Value.Text.Length == 0 ? "x" : record.Value.Text, record.Value.Length)),
                    record.Value.Length);
    }

    internal sealed record Copy(string Text) : IView<Copy, Note>
    {
        public static IEnumerable<string> KeysOf(string key, Note source) => ["all"];

        public static Copy? Apply(Copy? state, in Change<Note> change) => change.After is null ? null : new(change.After.Text);
    }

    internal sealed record Spread(int Count) : IView<Spread, Note>
    {
        internal const int Keys = 500;

        public static IEnumerable<string> KeysOf(string key, Note source) =>
            Enumerable.Range(0, Keys).Select(i => $"{i}".PadRight(1_000, 'é')[..500]);

        public static Spread? Apply(Spread? state, in Change<Note> change) => new(1);
    }

    internal sealed record ByText(int Count) : IView<ByText, Note>
    {
        public static IEnumerable<string> KeysOf(string key, Note source) => [source.Text];

        public static ByText? Apply(ByText? state, in Change<Note> change) =>
            (state?.Count ?? 0) + change.Count is var count && count == 0 ? null : new(count);
    }

    internal sealed record Halves(int Count) : IView<Halves, Note>
    {
        public static IEnumerable<string> KeysOf(string key, Note source) => ["\ud800", "\udc00"];

        public static Halves? Apply(Halves? state, in Change<Note> change) => new(1);
    }

    internal sealed record Longest(string Key) : IReducingView<Longest, Note>
    {
        private static readonly Ranking<Note, string> Last = Reduce.Max((Note note) => note.Text);

        public static IReadOnlyList<Reduction<Note>> Reductions => [Last];

        public static IEnumerable<string> KeysOf(string key, Note source) => ["all"];

        public static Longest? Apply(Longest? state, in Change<Note> change, in Reduced<Note> reduced) =>
            reduced.First(Last) is { } first ? new(first.Key) : null;
    }

    internal sealed record Rude(int Value) : IEntity<Rude, Rude>
    {
        public static Rude? Apply(Rude? state, in Record<Rude> record) =>
            record.Value.Value == 2 ? throw new RudeException() : record.Value;
    }

    internal sealed record RudeView(int Value) : IView<RudeView, Rude>
    {
        public static IEnumerable<string> KeysOf(string key, Rude source) => throw new RudeException();

        public static RudeView? Apply(RudeView? state, in Change<Rude> change) => null;
    }

#pragma warning disable CA1064, CA1032 // an exception of user code
    private sealed class RudeException : Exception
    {
        public override string Message => throw new InvalidOperationException("No message.");

        public override string ToString() => throw new InvalidOperationException("No text.");
    }
#pragma warning restore CA1064, CA1032
}
