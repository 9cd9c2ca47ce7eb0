using ActorStreams.Grains.Appends;
using ActorStreams.Grains.Reads;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Actors;

/// <summary>Answers what concerns no single key, on the silo that the question comes to.</summary>
[GrainType("catalog")]
[StatelessWorker]
[Reentrant]
internal sealed class CatalogGrain(Catalog catalog, RecordAppends appends) : Grain, ICatalogGrain
{
    public Task<IReadOnlyList<DatasetReply>> Datasets(bool withStatus, CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(catalog.DatasetsAsync(withStatus));

    public Task<IReadOnlyList<TopicReply>> Topics(CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(catalog.TopicsAsync(cancellationToken));

    public Task<StatePageReply> List(string dataset, ListRequest request, CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(catalog.ListAsync(dataset, request, cancellationToken));

    public Task<AppendReply> Append(string topic, byte[] lines, CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(appends.AppendLinesAsync(topic, lines, cancellationToken));

    public Task<AppendReply> AppendOnce(string topic, byte[] lines, string idempotencyKey, CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(appends.AppendLinesAsync(topic, lines, cancellationToken, idempotencyKey));

    public Task<RecordsReply> ReadRecords(RecordsRequest request, CancellationToken cancellationToken) =>
        Refusals.OrRefuseAsync(catalog.ReadRecordsAsync(request, cancellationToken));
}
