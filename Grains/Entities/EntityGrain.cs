using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Grains.Placement;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Entities;

/// <summary>The virtual actor of one entity.</summary>
[GrainType("entity")]
[OwnerPlacement]
[Reentrant]
internal sealed class EntityGrain(DatasetReader reader, EmptyActors empty, IChangeLog log, TimeProvider time) : StateGrain(reader, empty), IEntityGrain
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
        var positions = await log.AppendAsync(Dataset.Topic, [record], cancellationToken);
        return PositionReply.From(positions[0]);
    }
}
