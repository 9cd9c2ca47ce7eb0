namespace ActorStreams.Partitions.Running;

/// <summary>
/// What a partition is doing on this silo.
/// <code>
/// Starting ─► Running ◄─► Waiting   (the log, the store or a fold failed: it begins again from its checkpoint)
///     │          │           │
///     └──────────┴─► Stopped ◄─►┘   (before a record that cannot be folded; an operator orders it to be set aside.
///                                    Or where another log begins)
///                any ─► Closed      (asked to, or another owner exists; final)
/// </code>
/// </summary>
internal enum RunnerStatus
{
    /// <summary>It has no session yet.</summary>
    Starting,

    /// <summary>It folds, or waits for records.</summary>
    Running,

    /// <summary>It has failed, and no checkpoint was written since.</summary>
    Waiting,

    /// <summary>It stands before a record that cannot be folded, or at a position that its log, now another one, does not have.</summary>
    Stopped,

    /// <summary>It does not run here any more.</summary>
    Closed,
}

/// <summary>Guards the transitions of <see cref="RunnerStatus"/>.</summary>
internal static class RunnerStatusTransitions
{
    /// <exception cref="InvalidOperationException">The diagram has no such transition.</exception>
    internal static RunnerStatus To(this RunnerStatus from, RunnerStatus to) => (from, to) switch
    {
        (RunnerStatus.Closed, not RunnerStatus.Closed) or (not RunnerStatus.Starting, RunnerStatus.Starting)
            or (RunnerStatus.Stopped, RunnerStatus.Running)
            => throw new InvalidOperationException($"A partition that is {from} cannot become {to}."),
        _ => to,
    };
}
