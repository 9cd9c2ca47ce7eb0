namespace ActorStreams.Testing;

/// <summary>A law in words, and what to do when a definition breaks it.</summary>
internal sealed record Law(string Name, string Remedy)
{
    private const string TakeBack =
        "What a source adds when it enters must be taken back exactly when it leaves. "
        + "Fold with change.Count and change.Sum, over whole numbers or decimals: "
        + "sums of doubles do not cancel. A maximum cannot be taken back from the state alone: declare it as a reduction, see Reduce.Max; "
        + "for a list or a set see Reduce.Top and Reduce.Distinct.";

    internal static Law SameTwice { get; } = new(
        "the same input twice gives the same output",
        "A definition may not read a clock, randomness, new ids or static fields that change. "
        + "Take the time from the record or change, and ids from its key or position.");

    internal static Law KeysAreOfTheState { get; } = new(
        "KeysOf tells the same keys of the same state, also when it was stored and read back",
        "KeysOf may only look at the key and the stored members of the source's state. "
        + "A member with [JsonIgnore] or without a constructor parameter or setter is not stored.");

    internal static Law ReadBack { get; } = new(
        "stored and read back, a state folds on the same",
        "Everything a fold looks at must be in the state's JSON: a member with [JsonIgnore], or one that JSON cannot set, "
        + "is lost when a state leaves memory.");

    internal static Law AddThenRetract { get; } = new("add then retract is identity", TakeBack);

    internal static Law OnlyTheLatest { get; } = new("null→a→b is null→b", TakeBack);

    internal static Law ThereAndBack { get; } = new("a→b→a is a", TakeBack);

    internal static Law Swap { get; } = new(
        "changes of different source keys may be swapped",
        "In which order the changes of different source keys come is not known, so a result may not depend on it. "
        + "\"The last one\" is the one with the latest time: "
        + "Reduce.Max over a time in the source's state.");

    internal static Law KeysAreApart { get; } = new(
        "a key's state depends on its own records only",
        "A fold may look at its state and its record, and at nothing else: no static fields.");
}
