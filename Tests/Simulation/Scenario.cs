namespace ActorStreams.Tests.Simulation;

/// <summary>What may go wrong in a simulation.</summary>
[Flags]
internal enum Faults
{
    None = 0,

    /// <summary>Silos crash, between any two awaits.</summary>
    Crashes = 1,

    /// <summary>Silos leave the cluster and go on, beside the new owners of their partitions.</summary>
    Zombies = 2,

    /// <summary>Partitions move while they run.</summary>
    Moves = 4,

    /// <summary>Appends are refused, lost, reported failed though they landed, or land late.</summary>
    Appends = 8,

    /// <summary>Calls of the store fail, before or after their effect.</summary>
    Store = 16,

    /// <summary>Reads of the log fail.</summary>
    Reads = 32,

    /// <summary>Log or store are away for a while.</summary>
    Outages = 64,

    /// <summary>The log or the store refuses something for good.</summary>
    Poison = 128,

    /// <summary>The log removes records below the slowest checkpoint of those that read them.</summary>
    Retention = 256,

    All = 511,
}

/// <summary>Everything a run depends on: the same scenario is the same run, event by event.</summary>
/// <param name="Seed">What all else is drawn from.</param>
internal sealed record Scenario(int Seed)
{
    public int Topology { get; init; }

    public int Records { get; init; }

    /// <summary>Events before the faults end.</summary>
    public int Events { get; init; }

    public int Silos { get; init; }

    public int Watchers { get; init; }

    public int Readers { get; init; }

    public Faults Faults { get; init; }

    public Sabotage Sabotage { get; init; }

    /// <summary>How many kinds of faults there are.</summary>
    internal const int FaultCount = 9;

    internal static Scenario Of(int seed, Sabotage sabotage = Sabotage.None)
    {
        var random = new Random(seed);
        return new(seed)
        {
            Topology = seed,
            Records = random.Next(10, 90),
            Events = random.Next(300, 2_500),
            Silos = random.Next(1, 4),
            Watchers = random.Next(4),
            Readers = random.Next(4),
            // Each fault in four of five runs, so that every combination comes.
            Faults = (Faults)Enumerable.Range(0, FaultCount).Where(_ => random.Next(5) > 0).Sum(bit => 1 << bit),
            Sabotage = sabotage,
        };
    }

    /// <summary>The next smaller scenarios to try, when this one fails.</summary>
    internal IEnumerable<Scenario> Smaller()
    {
        foreach (var fault in Enum.GetValues<Faults>().Where(fault => fault is not (Faults.None or Faults.All) && Faults.HasFlag(fault)))
            yield return this with { Faults = Faults & ~fault };
        if (Watchers > 0)
            yield return this with { Watchers = 0 };
        if (Readers > 0)
            yield return this with { Readers = 0 };
        if (Silos > 1)
            yield return this with { Silos = Silos - 1 };
        if (Records > 1)
            yield return this with { Records = Records / 2 };
        if (Records > 4)
            yield return this with { Records = Records * 3 / 4 };
        if (Events > 20)
            yield return this with { Events = Events / 2 };
        if (Events > 50)
            yield return this with { Events = Events * 3 / 4 };
    }
}
