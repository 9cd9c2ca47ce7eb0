using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;

namespace ActorStreams.Testing;

/// <summary>
/// Checks definitions against what the system leans on, on random data and with the real folds. A definition that keeps these laws gives
/// the same states live, in a batch and as of any cut; what is equal is judged by the stored JSON.
/// <code>
/// [Fact]
/// public void Spend_is_lawful() =&gt; Laws.Check&lt;Spend, Order&gt;(random =&gt; new(random.Next(2) == 0 ?
/// "ann" : "bob", random.Next(100)));
/// </code>
/// </summary>
/// <remarks>
/// A clock is noticed when two readings a few milliseconds apart differ in the state: a fold that reads only today's date is not. Random
/// data finds what it reaches: generate few different values, so that keys and values meet.
/// </remarks>
public static class Laws
{
    /// <summary>How long after the first folding the last one comes, so that a fold that reads the clock sees another time.</summary>
    private const int ClockMilliseconds = 20;

    /// <summary>
    /// Checks one source of a view: add then retract is identity; null→a→b is null→b; a→b→a is a; the same input twice gives the
    /// same output; changes of different source keys may be swapped; stored and read back, a state folds on the same; KeysOf returns
    /// the same keys for the same state.
    /// </summary>
    /// <typeparam name="TView">The view, by <see cref="IView{TSelf, TSource}"/> or <see cref="IReducingView{TSelf, TSource}"/>. Of a join,
    /// check each source.</typeparam>
    /// <typeparam name="TSource">The source's state.</typeparam>
    /// <param name="source">Makes a random state of the source.</param>
    /// <param name="options">How hard to look.</param>
    /// <exception cref="LawViolationException">A law is broken.</exception>
    public static void Check<TView, TSource>(Func<Random, TSource> source, LawOptions? options = null)
        where TView : class, IView<TView>
        where TSource : class
    {
        var (checkedOptions, json) = Prepare(options);
        var rig = LawRig.OfView<TView, TSource>(json);
        var keys = new KeyLaw<TSource>(
            rig, (Router<TSource>)TView.Sources.First(s => s.SourceType == typeof(TSource)).CreateRouter(), json);
        var state = (JsonTypeInfo<TSource>)json.GetTypeInfo(typeof(TSource));
        List<(LawTrial Trial, byte[] A, byte[] B)> trials = [];
        foreach (var seed in Seeds(checkedOptions))
        {
            var random = new Random(seed);
            trials.Add((new(rig, seed, History(checkedOptions, random, Next)), Next(), Next()));

            byte[] Next()
            {
                var next = source(random);
                keys.Check($"k{random.Next(checkedOptions.Keys)}", next, seed);
                return JsonSerializer.SerializeToUtf8Bytes(next, state);
            }
        }

        CheckAgain([.. trials.Select(t => t.Trial)], rig);
        // Laws are checked one after the other, simplest first, so that the violation reported is the simplest one.
        for (var law = 0; law < ViewWays(rig, [], []).Count; law++)
        {
            foreach (var (trial, a, b) in trials)
                trial.Check(ViewWays(rig, a, b)[law]);
        }
    }

    /// <summary>
    /// Checks an entity: the same records twice give the same output; stored and read back, a state folds on the same; a key's state
    /// depends on its own records only. A fold that throws is no fault: its record would be set aside.
    /// </summary>
    /// <param name="record">Makes a random event.</param>
    /// <param name="options">How hard to look.</param>
    /// <exception cref="LawViolationException">A law is broken.</exception>
    public static void CheckEntity<TEntity, TEvent>(Func<Random, TEvent> record, LawOptions? options = null)
        where TEntity : class, IEntity<TEntity, TEvent>
        where TEvent : notnull
    {
        var (checkedOptions, json) = Prepare(options);
        var rig = LawRig.OfEntity<TEntity>(json);
        var type = (JsonTypeInfo<TEvent>)json.GetTypeInfo(typeof(TEvent));
        List<LawTrial> trials = [];
        foreach (var seed in Seeds(checkedOptions))
        {
            var random = new Random(seed);
            trials.Add(new(rig, seed, History(checkedOptions, random, () => JsonSerializer.SerializeToUtf8Bytes(record(random), type))));
        }

        CheckAgain(trials, rig);
        foreach (var trial in trials)
        {
            foreach (var key in trial.History.Select(step => step.Key).Distinct())
                trial.Check(KeyAlone(rig, key));
        }

        foreach (var trial in trials)
            trial.Check(ReadBack(rig));
    }

    private static IEnumerable<int> Seeds(LawOptions options) =>
        Enumerable.Range(options.Seed ?? Random.Shared.Next(1_000_000_000), options.Runs);

    private static void CheckAgain(List<LawTrial> trials, LawRig rig)
    {
        foreach (var trial in trials)
            trial.CheckAgain();
        Thread.Sleep(ClockMilliseconds);
        foreach (var trial in trials)
            trial.CheckAgain();
        foreach (var trial in trials)
            trial.Check(Again(rig));
    }

    private static IReadOnlyList<LawTrial.Ways> ViewWays(LawRig rig, byte[] a, byte[] b) =>
    [
        ReadBack(rig),
        new(Law.AddThenRetract, "As it is", (h, _) => rig.InMemory(h),
            "With a source that enters and leaves", (h, r) => rig.InMemory(Histories.Insert(h, r, a, null))),
        new(Law.OnlyTheLatest, "With a source that enters as b", (h, r) => rig.InMemory(Histories.Insert(h, r, b)),
            "With one that enters as a and becomes b", (h, r) => rig.InMemory(Histories.Insert(h, r, a, b))),
        new(Law.ThereAndBack, "With a source that enters as a", (h, r) => rig.InMemory(Histories.Insert(h, r, a)),
            "With one that becomes b and a again", (h, r) => rig.InMemory(Histories.Insert(h, r, a, b, a))),
        new(Law.Swap, "As it is", (h, _) => rig.InMemory(h),
            "With the changes of different source keys in another order", (h, r) => rig.InMemory(Histories.Swap(h, r))),
    ];

    private static LawTrial.Ways Again(LawRig rig) =>
        new(Law.SameTwice, "The first time", (h, _) => rig.InMemory(h), "The second time", (h, _) => rig.InMemory(h));

    private static LawTrial.Ways ReadBack(LawRig rig) =>
        new(Law.ReadBack, "In memory", (h, _) => rig.InMemory(h), "Stored and read back between", (h, _) => rig.Stored(h));

    private static LawTrial.Ways KeyAlone(LawRig rig, string key) => new(
        Law.KeysAreApart, $"All records, of which '{key}'", (h, _) => Only(key, rig.InMemory(h)),
        $"The records of '{key}' alone", (h, _) => Only(key, rig.InMemory([.. h.Where(step => step.Key == key)])));

    private static LawOutcome Only(string key, LawOutcome outcome) =>
        outcome with
        {
            States = string.Join("\n", outcome.States.Split('\n').Where(line => line.StartsWith($"  {key}: ", StringComparison.Ordinal))),
        };

    private static List<LawStep> History(LawOptions options, Random random, Func<byte[]> next)
    {
        List<LawStep> history = [];
        for (var left = random.Next(options.MaxSteps + 1); left > 0; left--)
            history.Add(new($"k{random.Next(options.Keys)}", random.Next(5) == 0 ? null : next(), history.Count));
        return history;
    }

    private static (LawOptions Options, JsonSerializerOptions Json) Prepare(LawOptions? options)
    {
        var given = (options ?? new()).Checked();
        var json = given.Json ?? new TopologyBuilder().Json;
        if (json.TypeInfoResolver is null)
            json.TypeInfoResolver = new DefaultJsonTypeInfoResolver();
        json.MakeReadOnly();
        return (given, json);
    }
}
