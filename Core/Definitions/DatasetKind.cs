namespace ActorStreams.Definitions;

/// <summary>The two kinds of datasets.</summary>
public enum DatasetKind
{
    /// <summary>Folded from the records of a source topic.</summary>
    Entity,

    /// <summary>Folded from the changes of other datasets.</summary>
    View,
}
