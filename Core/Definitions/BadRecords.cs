namespace ActorStreams.Definitions;

/// <summary>What happens to a record that cannot be decoded, or whose fold throws.</summary>
public enum BadRecords
{
    /// <summary>It becomes a dead letter with its position, reason and original bytes, and the fold continues.</summary>
    SetAside,

    /// <summary>The partition stops before it and reports it, until the record or the definition is mended.</summary>
    Stop,
}
