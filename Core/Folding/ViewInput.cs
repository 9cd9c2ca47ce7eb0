using ActorStreams.Definitions;

namespace ActorStreams.Folding;

/// <summary>One source of a view's partition: the fold of its changes, and the slots of its reductions among all of the view's.</summary>
internal sealed record ViewInput<TState>(int Number, Dataset Source, SourceFold<TState> Fold, int FirstSlot)
    where TState : class
{
    internal int Slots => Fold.Reductions.Count;

    internal int EndSlot => FirstSlot + Slots;

    internal static ViewInput<TState>[] Of(ViewDataset<TState> view)
    {
        var inputs = new List<ViewInput<TState>>();
        foreach (var (edge, fold) in view.SourceEdges.Zip(view.SourceFolds))
            inputs.Add(new(inputs.Count, edge.Source, fold, inputs.Count == 0 ? 0 : inputs[^1].EndSlot));
        return [.. inputs];
    }
}
