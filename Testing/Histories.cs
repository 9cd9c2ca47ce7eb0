namespace ActorStreams.Testing;

/// <summary>Histories made of others.</summary>
internal static class Histories
{
    /// <summary>A source that no other step is about goes through these states, at a random place.</summary>
    internal static List<LawStep> Insert(IReadOnlyList<LawStep> history, Random random, params byte[]?[] states)
    {
        var at = random.Next(history.Count + 1);
        return [.. history.Take(at), .. states.Select((state, i) => new LawStep("other", state, history.Count + i)), .. history.Skip(at)];
    }

    /// <summary>Another order, in which the steps of one key keep theirs.</summary>
    internal static List<LawStep> Swap(IReadOnlyList<LawStep> history, Random random)
    {
        var waiting = history.GroupBy(step => step.Key).Select(group => new Queue<LawStep>(group)).ToList();
        List<LawStep> swapped = [];
        while (waiting.Count > 0)
        {
            var queue = waiting[random.Next(waiting.Count)];
            swapped.Add(queue.Dequeue());
            if (queue.Count == 0)
                waiting.Remove(queue);
        }

        return swapped;
    }
}
