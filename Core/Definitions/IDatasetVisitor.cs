namespace ActorStreams.Definitions;

/// <summary>Handles each kind of dataset by its own type; see <see cref="Dataset.Accept"/>.</summary>
internal interface IDatasetVisitor<out TResult>
{
    TResult Entity<TState>(EntityDataset<TState> dataset)
        where TState : class;

    TResult View<TState>(ViewDataset<TState> dataset)
        where TState : class;
}
