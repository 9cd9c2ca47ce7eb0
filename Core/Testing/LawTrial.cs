namespace ActorStreams.Testing;

/// <summary>One random history, and a law that two foldings of it must agree on.</summary>
internal sealed class LawTrial(LawRig rig, int seed)
{
    /// <summary>Two ways that must come to the same: what each is called, and how to take it.</summary>
    internal sealed record Ways(Law Law, string Left, Func<IReadOnlyList<LawStep>, Random, LawOutcome> TakeLeft, string Right, Func<IReadOnlyList<LawStep>, Random, LawOutcome> TakeRight);

    /// <exception cref="LawViolationException">The two ways differ.</exception>
    internal void Check(IReadOnlyList<LawStep> history, Ways ways)
    {
        if (!Differ(history, ways))
            return;
        history = Shrink([.. history], ways);
        var (left, right) = Take(history, ways);
        throw Violation(history, ways.Law, ways.Left, left, ways.Right, right);
    }

    /// <summary>Folds a history again that came to this outcome some time ago.</summary>
    /// <exception cref="LawViolationException">It comes to another.</exception>
    internal void CheckAgain(IReadOnlyList<LawStep> history, LawOutcome outcome)
    {
        if (rig.InMemory(history) is var later && later.States != outcome.States)
            throw Violation(history, Law.SameTwice, "The first time", outcome, "Some time later", later);
    }

    private LawViolationException Violation(IReadOnlyList<LawStep> history, Law law, string leftName, LawOutcome left, string rightName, LawOutcome right) => new(
        law, rig.Definition, seed, $"History:\n{string.Join("\n", history.Select(step => $"  {step}"))}\n{leftName}:\n{left}\n{rightName}:\n{right}");

    private (LawOutcome Left, LawOutcome Right) Take(IReadOnlyList<LawStep> history, Ways ways) =>
        // Both begin with the same randomness, so that what they do to the history has to do with each other.
        (ways.TakeLeft(history, new Random(seed)), ways.TakeRight(history, new Random(seed)));

    private bool Differ(IReadOnlyList<LawStep> history, Ways ways) => Take(history, ways) is var (left, right) && left.States != right.States;

    /// <summary>Leaves out one step after the other, as long as the law is broken without it.</summary>
    private List<LawStep> Shrink(List<LawStep> history, Ways ways)
    {
        for (var i = history.Count - 1; i >= 0; i--)
        {
            var step = history[i];
            history.RemoveAt(i);
            if (!Differ(history, ways))
                history.Insert(i, step);
        }

        return history;
    }
}
