namespace ActorStreams.Definitions;

/// <summary>
/// What an assembly has to offer: a silo adds the definitions of every public type that implements this, in the assemblies it references.
/// </summary>
public interface IDefinitions
{
    /// <summary>Adds the datasets.</summary>
    static abstract void AddTo(TopologyBuilder topology);
}
