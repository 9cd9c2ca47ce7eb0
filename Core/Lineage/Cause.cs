using ActorStreams.Log;

namespace ActorStreams.Lineage;

/// <summary>Why a change happened (semantics §8).</summary>
/// <param name="Trigger">The record whose folding made the change: for a view, the record of the <em>source's</em> input log.</param>
/// <param name="Root">The record of a source topic behind it, through any number of views. For an entity the trigger itself.</param>
public readonly record struct Cause(Position Trigger, Position Root);
