namespace ActorStreams.Definitions;

/// <summary>
/// What every store and every log can take, so that nothing that was folded can be refused later. What exceeds a limit is a dead letter,
/// on each store and log alike: a batch, a rebuild and the live system come to the same states. Raising or lowering one changes what is
/// folded.
/// </summary>
internal static class FoldLimits
{
    /// <summary>
    /// Bytes of a record's key or a view key, as UTF-8. PostgreSQL indexes at most 2,704 bytes a row, in which a key and an element stand
    /// together.
    /// </summary>
    internal const int MaxKeyBytes = 1_024;

    /// <summary>
    /// Bytes of what a source contributes to a ranking or distinct count: the value, and for a ranking the source's key behind it.
    /// </summary>
    internal const int MaxElementBytes = 1_536;

    /// <summary>Bytes of the stored form of a state, unless the dataset says otherwise.</summary>
    internal const int DefaultMaxStateBytes = 400 << 10;

    /// <summary>The most that a dataset may say: a change holds a state before and one after, and must fit into one frame.</summary>
    internal const int HighestMaxStateBytes = 450 << 10;

    /// <summary>
    /// Bytes of a frame before compression: a record of this size passes Kafka's default limit (1,048,588 bytes a batch).
    /// </summary>
    internal const int MaxFrameBytes = 980_000;

    /// <summary>View keys that one state may concern, unless the view says otherwise.</summary>
    internal const int DefaultMaxKeysPerState = 10_000;

    /// <summary>The most view keys that a view may allow.</summary>
    internal const int HighestMaxKeysPerState = 100_000;
}
