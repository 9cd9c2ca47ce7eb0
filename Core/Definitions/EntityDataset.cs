using System.Text.Json;

namespace ActorStreams.Definitions;

internal sealed class EntityDataset<TState>(
    string name, int version, BadRecords badRecords, JsonSerializerOptions json, EntityFold<TState> fold)
    : Dataset<TState>(DatasetKind.Entity, name, version, badRecords, json)
    where TState : class
{
    internal EntityFold<TState> Fold { get; } = fold.Bind(json);

    /// <summary>Whether an empty value, or the literal null, ends an entity.</summary>
    internal bool TakesEmptyAsTombstone { get; init; }

    /// <summary>Whether a record stamped before the state's last one is skipped.</summary>
    internal bool IsLatestByTime { get; init; }

    internal override IReadOnlyList<Type> SourceTypes => [];

    internal override TResult Accept<TResult>(IDatasetVisitor<TResult> visitor) => visitor.Entity(this);
}
