namespace ActorStreams.Folding.Entries;

/// <summary>
/// Whether a table entry's state is known here, and whether the store has it.
/// <code>
/// Missing ──► Asked ──► Stored ──► Changed ──► Writing ──► Stored
///    └──────────────────► ▲           ▲           └─► ChangedWhileWriting ─┐
///                                     └────────────────────────────────────┘
/// </code>
/// A fold changes an entry that is stored, or being written; a checkpoint that begins takes all that are changed, and when it is
/// written they are stored, or changed again. Only one checkpoint is under way at a time.
/// </summary>
internal enum EntryStatus : byte
{
    /// <summary>New in the table: nothing is known of the state.</summary>
    Missing,

    /// <summary>Among the needs of the batch that is being prepared; the store has not answered yet.</summary>
    Asked,

    /// <summary>The state is the one that the store has.</summary>
    Stored,

    /// <summary>Changed since the last checkpoint began.</summary>
    Changed,

    /// <summary>Part of the checkpoint that is under way, and as it is written there.</summary>
    Writing,

    /// <summary>Part of the checkpoint that is under way, and changed again since.</summary>
    ChangedWhileWriting,
}
