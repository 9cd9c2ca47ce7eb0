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
        var append = request.IdempotencyKey is null
            ? appends.AppendAsync(Dataset.Topic, [record], cancellationToken).AsTask()
            : AppendOnceAsync(record, request);
        return PositionReply.From((await Refusals.OrRefuseAsync(append))[0]);
    }

    private async Task<IReadOnlyList<Position>> AppendOnceAsync(NewRecord record, AppendRequest request)
    {
        // What was asked for, without the time of a record that has none: that is another at each attempt.
        ReadOnlyMemory<byte>[] sent =
            [record.Key!.Value, record.Value ?? default, new[] { (byte)(record.Value is null ? 0 : 1) }, TimeOf(request)];
        return (await appends.AppendOnceAsync(Dataset.Topic, [record], "", request.IdempotencyKey!, sent)).Positions;
    }

    private static byte[] TimeOf(AppendRequest request) =>
        request.Timestamp is { } time ? Encoding.ASCII.GetBytes(time.ToString(CultureInfo.InvariantCulture)) : [];
}
