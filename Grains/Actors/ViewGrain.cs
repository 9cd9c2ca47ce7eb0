using ActorStreams.Grains.Reads;
using ActorStreams.Definitions;
using ActorStreams.Grains.Placement;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Actors;

/// <summary>The virtual actor of one key of a derived view.</summary>
[GrainType("view")]
[OwnerPlacement]
[Reentrant]
internal sealed class ViewGrain(DatasetReads reads, EmptyActors empty) : StateGrain(reads, empty), IViewGrain
{
    private protected override DatasetKind Kind => DatasetKind.View;
}
