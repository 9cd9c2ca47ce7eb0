namespace ActorStreams.Folding;

/// <summary>Between ⇄ Prepared: where a fold stands. Preparing a batch leads from one to the other, and folding it back.</summary>
internal enum FoldPhase : byte
{
    /// <summary>Between batches.</summary>
    Between,

    /// <summary>A batch is prepared, and yet to be folded.</summary>
    Prepared,
}
