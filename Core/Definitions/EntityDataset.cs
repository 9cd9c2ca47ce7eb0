using System.Text.Json;

namespace ActorStreams.Definitions;

internal sealed class EntityDataset<TState>(
    string name, int version, BadRecords badRecords, JsonSerializerOptions json, EntityFold<TState> fold)
    : Dataset<TState>(DatasetKind.Entity, name, version, badRecords, json)
    where TState : class
{
    internal EntityFold<TState> Fold { get; } = fold.Bind(json);

    internal override IReadOnlyList<Type> SourceTypes => [];

    internal override TResult Accept<TResult>(IDatasetVisitor<TResult> visitor) => visitor.Entity(this);
}
