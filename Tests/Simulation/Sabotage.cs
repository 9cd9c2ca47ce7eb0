namespace ActorStreams.Tests.Simulation;

/// <summary>
/// One thing that exactness leans on, broken on purpose: the log, the store or a client lies, so that it is to the others as if the
/// engine did not keep its rule. The simulation has to find each.
/// </summary>
internal enum Sabotage
{
    None,

    /// <summary>A view's marks are gone after a restart.</summary>
    NoMarks,

    /// <summary>A mark is stored, but not the state that its change was folded into.</summary>
    MarkWithoutState,

    /// <summary>What lies beside a state is not stored with it.</summary>
    LostContributions,

    /// <summary>Appends are acknowledged before they are durable: checkpoints pass them.</summary>
    EarlyAcknowledgement,

    /// <summary>One frame of an append is left out while later ones land.</summary>
    SkippedFrame,

    /// <summary>Two frames of one append land in the wrong order.</summary>
    SwappedFrames,

    /// <summary>A checkpoint is written although another owner has moved it.</summary>
    IgnoredCondition,

    /// <summary>A checkpoint's states are written although its condition fails.</summary>
    TornCheckpoint,

    /// <summary>After it has read a state, an owner is not told that the checkpoint has another owner.</summary>
    HiddenSuccessor,

    /// <summary>A state that is read through is that of the checkpoint before the last: as if it had left memory unstored.</summary>
    OldState,

    /// <summary>A state is read back with a trailing zero that the one in memory did not have.</summary>
    OtherForm,

    /// <summary>The routes of one change have another order in another process.</summary>
    UnorderedRoutes,

    /// <summary>After a restart the changes of a record are counted from 1.</summary>
    ShiftedIndex,

    /// <summary>A record that is read is missing from its batch.</summary>
    SkippedRecord,

    /// <summary>After a restart every redrive is folded, also the second of one dead letter.</summary>
    EveryRedrive,

    /// <summary>Dead letters are acknowledged, and not written.</summary>
    LostLetters,

    /// <summary>A watcher resumes one change too late.</summary>
    LateWatcher,

    /// <summary>A reader does not hand back the position of its last answer.</summary>
    ForgetfulReader,

    /// <summary>A reader waits for the end of the key's own input log, and not for the datasets between it and the record.</summary>
    HastyReader,

    /// <summary>Retries do not pause.</summary>
    NoPause,

    /// <summary>The log removes records that are not folded yet.</summary>
    EarlyRetention,
}
