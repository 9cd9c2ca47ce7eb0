using ActorStreams.Definitions;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Views;

/// <summary>The virtual actor of one key of a derived view.</summary>
[GrainType("view")]
[Reentrant]
internal sealed class ViewGrain(DatasetReader reader) : StateGrain(reader), IViewGrain
{
    private protected override DatasetKind Kind => DatasetKind.View;
}
