using ActorStreams.Definitions;

namespace ActorStreams.Folding;

/// <summary>Makes the fold of one partition of a dataset.</summary>
internal static class PartitionFolds
{
    internal static PartitionFold CreateFold(this Dataset dataset, int partition, FoldOptions options) =>
        dataset.Accept(new Factory(partition, options));

    private sealed class Factory(int partition, FoldOptions options) : IDatasetVisitor<PartitionFold>
    {
        public PartitionFold Entity<TState>(EntityDataset<TState> dataset)
            where TState : class => new EntityPartitionFold<TState>(dataset, partition, options);

        public PartitionFold View<TState>(ViewDataset<TState> dataset)
            where TState : class => new ViewPartitionFold<TState>(dataset, partition, options);
    }
}
