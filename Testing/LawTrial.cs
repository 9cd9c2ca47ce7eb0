namespace ActorStreams.Testing;

/// <summary>One random history, and the laws that two foldings of it must agree on.</summary>
internal sealed class LawTrial(LawRig rig, int seed, IReadOnlyList<LawStep> history)
{
    /// <summary>How often a shorter history is tried, each time rearranged in another way.</summary>
    private const int Attempts = 12;

    private LawOutcome? _outcome;

    internal int Seed { get; } = seed;

    internal IReadOnlyList<LawStep> History { get; } = history;

    /// <summary>Two ways that must come to the same: what each is called, and how to take it.</summary>
    internal sealed record Ways(
        Law Law, string Left, Func<IReadOnlyList<LawStep>, Random, LawOutcome> TakeLeft, string Right,
        Func<IReadOnlyList<LawStep>, Random, LawOutcome> TakeRight);

    /// <exception cref="LawViolationException">The two ways differ.</exception>
    internal void Check(Ways ways)
    {
        if (Difference(History, ways, attempts: 1) is not { } difference)
            return;
        // Leaves out one step after the other, as long as the law is broken without it, until every step is needed.
        var history = History.ToList();
        for (var steps = history.Count + 1; history.Count < steps;)
        {
            steps = history.Count;
            for (var i = history.Count - 1; i >= 0; i--)
            {
                List<LawStep> fewer = [.. history[..i], .. history[(i + 1)..]];
                if (Difference(fewer, ways, Attempts) is { } still)
                    (history, difference) = (fewer, still);
            }
        }

        throw Violation(history, ways.Law, ways.Left, difference.Left, ways.Right, difference.Right);
    }

    /// <summary>Folds the history, and when called again compares: the first time some time ago.</summary>
    /// <exception cref="LawViolationException">It comes to another outcome than the first time.</exception>
    internal void CheckAgain()
    {
        var outcome = rig.InMemory(History);
        _outcome ??= outcome;
        if (outcome.States != _outcome.States)
            throw Violation(History, Law.SameTwice, "The first time", _outcome, "Some time later", outcome);
    }

    private LawViolationException Violation(
        IReadOnlyList<LawStep> history, Law law, string leftName, LawOutcome left, string rightName, LawOutcome right) => new(
        law, rig.Definition, Seed,
        $"History:\n{string.Join("\n", history.Select(step => $"  {step}"))}\n{leftName}:\n{left}\n{rightName}:\n{right}");

    /// <summary>
    /// Each attempt begins both ways with the same randomness, so that what they do to the history has to do with each other.
    /// </summary>
    private (LawOutcome Left, LawOutcome Right)? Difference(IReadOnlyList<LawStep> history, Ways ways, int attempts)
    {
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            var (left, right) = (ways.TakeLeft(history, new(Seed + attempt)), ways.TakeRight(history, new(Seed + attempt)));
            if (left.States != right.States)
                return (left, right);
        }

        return null;
    }
}
