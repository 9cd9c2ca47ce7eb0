using System.Text.Json;
using ActorStreams.Json;

namespace ActorStreams.DeadLetters;

/// <summary>The kinds of faults that set something aside: few, and none contains a key or a value.</summary>
internal static class FaultKinds
{
    /// <summary>The record, its key, its timestamp or the frame is not what can be read.</summary>
    internal const string Unreadable = "unreadable";

    /// <summary>The value is not the JSON of the type it should be.</summary>
    internal const string BadValue = "bad_value";

    /// <summary>The definition's fold threw.</summary>
    internal const string FoldFailed = "fold_failed";

    /// <summary>The view's <c>KeysOf</c> threw, or gave too many keys.</summary>
    internal const string RouteFailed = "route_failed";

    /// <summary>A key or state is too large, or a state has no stored form.</summary>
    internal const string Unstorable = "unstorable";

    internal static IReadOnlyList<string> All { get; } = [Unreadable, BadValue, FoldFailed, RouteFailed, Unstorable];

    /// <summary>The kind of a fault of a fold.</summary>
    internal static string Of(Exception? error) => error switch
    {
        null => Unreadable,
        JsonException => BadValue,
        UnstorableStateException => Unstorable,
        _ => FoldFailed,
    };
}
