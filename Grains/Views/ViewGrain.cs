using ActorStreams.Definitions;
using ActorStreams.Grains.Placement;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Views;

/// <summary>The virtual actor of one key of a derived view.</summary>
[GrainType("view")]
[OwnerPlacement]
[Reentrant]
internal sealed class ViewGrain(DatasetReader reader, EmptyActors empty) : StateGrain(reader, empty), IViewGrain
{
    private protected override DatasetKind Kind => DatasetKind.View;
}
