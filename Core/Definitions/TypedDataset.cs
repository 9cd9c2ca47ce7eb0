using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Json;

namespace ActorStreams.Definitions;

/// <summary>A dataset whose states are of a known type.</summary>
internal abstract class Dataset<TState> : Dataset
    where TState : class
{
    private readonly Lazy<StateShape<TState>> _shape;

    private protected Dataset(DatasetKind kind, string name, int version, BadRecords badRecords, JsonSerializerOptions json)
        : base(kind, name, version, badRecords, json)
    {
        StateJson = (JsonTypeInfo<TState>)json.GetTypeInfo(typeof(TState));
        _shape = new(() => new(StateJson));
    }

    public override Type StateType => typeof(TState);

    internal JsonTypeInfo<TState> StateJson { get; }

    /// <summary>What the type of a state can hold.</summary>
    internal StateShape<TState> StateShape => _shape.Value;

    /// <summary>For each dependent view, the router that returns the keys a state concerns.</summary>
    internal IReadOnlyList<Router<TState>> Routers =>
        [.. DependentEdges.Select(edge => (Router<TState>)((IRoutes)edge.View).RouterOf(edge.Index))];
}

/// <summary>A view, as its sources see it.</summary>
internal interface IRoutes
{
    /// <summary>View keys that one state of a source may concern.</summary>
    int MaxKeysPerState { get; }

    object RouterOf(int source);
}
