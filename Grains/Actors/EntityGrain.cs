using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Grains.Appends;
using ActorStreams.Grains.Placement;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Actors;

/// <summary>The virtual actor of one entity.</summary>
[GrainType("entity")]
[OwnerPlacement]
[Reentrant]
internal sealed class EntityGrain(
    DatasetReads reads, EmptyActors empty, RecordAppends appends, TimeProvider time) : StateGrain(reads, empty), IEntityGrain
{
    private protected override DatasetKind Kind => DatasetKind.Entity;

    public async Task<PositionReply> Append(AppendRequest request, CancellationToken cancellationToken)
    {
        var record = new NewRecord
        {
            Partition = Dataset.PartitionOf(Key),
            Timestamp = request.Timestamp ?? time.GetUtcNow().ToUnixTimeMilliseconds(),
            Key = Encoding.UTF8.GetBytes(Key),
            Value = request.Value is null ? default(ReadOnlyMemory<byte>?) : request.Value,
        };
        return PositionReply.From(
            (await Refusals.OrRefuseAsync(appends.AppendAsync(Dataset.Topic, [record], cancellationToken).AsTask()))[0]);
    }
}
