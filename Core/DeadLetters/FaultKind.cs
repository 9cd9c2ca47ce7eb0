using System.Text.Json;
using ActorStreams.Json;

namespace ActorStreams.DeadLetters;

/// <summary>The kinds of faults that set something aside: few, and none contains a key or a value.</summary>
internal enum FaultKind
{
    /// <summary>The record, its key, its timestamp or the frame is not what can be read.</summary>
    Unreadable,

    /// <summary>The value is not the JSON of the type it should be.</summary>
    BadValue,

    /// <summary>The definition's fold threw.</summary>
    FoldFailed,

    /// <summary>The view's <c>KeysOf</c> threw, or gave too many keys.</summary>
    RouteFailed,

    /// <summary>A key or state is too large, or a state has no stored form.</summary>
    Unstorable,
}

/// <summary>The kinds of faults, by the exceptions that cause them and by the words of metrics.</summary>
internal static class FaultKinds
{
    /// <summary>The kind of a fault of a fold.</summary>
    internal static FaultKind Of(Exception? error) => error switch
    {
        null => FaultKind.Unreadable,
        JsonException => FaultKind.BadValue,
        UnstorableStateException => FaultKind.Unstorable,
        _ => FaultKind.FoldFailed,
    };

    /// <summary>The word for a kind, as in <c>bad_value</c>.</summary>
    internal static string Word(this FaultKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());
}
