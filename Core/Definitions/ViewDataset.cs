using System.Text.Json;

namespace ActorStreams.Definitions;

internal sealed class ViewDataset<TState>(
    string name, int version, BadRecords badRecords, JsonSerializerOptions json, IReadOnlyList<ViewSource<TState>> sources)
    : Dataset<TState>(DatasetKind.View, name, version, badRecords, json), IRoutes
    where TState : class
{
    public int MaxKeysPerState { get; init; } = FoldLimits.DefaultMaxKeysPerState;

    internal override IReadOnlyList<Type> SourceTypes => [.. sources.Select(source => source.SourceType)];

    internal IReadOnlyList<SourceFold<TState>> SourceFolds => [.. sources.Select(source => source.CreateFold(Json))];

    public object RouterOf(int source) => sources[source].CreateRouter();

    internal override TResult Accept<TResult>(IDatasetVisitor<TResult> visitor) => visitor.View(this);
}
