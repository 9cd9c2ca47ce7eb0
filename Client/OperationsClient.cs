using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Http;
using ActorStreams.Client.Loading;
using ActorStreams.DeadLetters;
using ActorStreams.Protocol;

namespace ActorStreams.Client;

/// <summary>
/// The calls for operators, over HTTP: silos, partitions, health and dead letters. Returned by
/// <see cref="ActorStreamsClient.Operations"/>; where silos have an operations port (<c>Silo:OperationsPort</c>), dead letters are at
/// that address.
/// </summary>
public sealed class OperationsClient
{
    /// <summary>Dead letters that one request redrives.</summary>
    private const int MaxAtOnce = 1_000;
    private const int PageSize = 100;

    private readonly HttpCalls _calls;
    private readonly ActorStreamsClient _client;

    internal OperationsClient(HttpCalls calls, ActorStreamsClient client) => (_calls, _client) = (calls, client);

    /// <summary>The silos of the cluster, with how many partitions each has.</summary>
    public async Task<IReadOnlyList<SiloInfo>> SilosAsync(CancellationToken cancellationToken = default) =>
        await _calls.GetAsync<SiloInfo[]>("api/silos", cancellationToken).ConfigureAwait(false);

    /// <summary>The partitions of a dataset, or of all.</summary>
    /// <exception cref="ActorStreamsException">There is no such dataset.</exception>
    public async Task<IReadOnlyList<PartitionInfo>> PartitionsAsync(string? dataset = null, CancellationToken cancellationToken = default)
    {
        var names = dataset is not null
            ? [dataset]
            : (await _client.DatasetsAsync(cancellationToken).ConfigureAwait(false)).Select(one => one.Name);
        List<PartitionInfo> partitions = [];
        foreach (var name in names)
        {
            var some = await _calls.GetAsync<PartitionInfo[]>(
                $"api/datasets/{Uri.EscapeDataString(name)}/partitions", cancellationToken).ConfigureAwait(false);
            partitions.AddRange(some.Select(partition => partition with { Dataset = name }));
        }

        return partitions;
    }

    /// <summary>Whether the silo is ready, and which partitions do not fold.</summary>
    public async Task<HealthInfo> HealthAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _calls.GetAsync<HealthInfo>("health/ready", cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (e.Status == System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return new(HealthState.NotReady, e.Message, []);
        }
    }

    /// <summary>Dead letters, newest first, page by page as they are enumerated.</summary>
    /// <param name="dataset">Only those of this dataset.</param>
    /// <param name="state">Only those in this state.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<DeadLetterInfo> DeadLettersAsync(
        string? dataset = null, DeadLetterState? state = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long? before = null;
        do
        {
            var page = await _calls.GetAsync<DeadLetterPage>(
                "api/dead-letters" + Paths.Query(
                    ("dataset", dataset), ("state", state?.ToString().ToLowerInvariant()),
                    ("limit", PageSize.ToString(CultureInfo.InvariantCulture)),
                    ("before", before?.ToString(CultureInfo.InvariantCulture))),
                cancellationToken).ConfigureAwait(false);
            foreach (var item in page.Items)
                yield return item;
            before = page.Next;
        }
        while (before is not null);
    }

    /// <summary>A dead letter with its error and the original.</summary>
    /// <exception cref="ActorStreamsException">There is none of this id among the newest 100,000 (status 404).</exception>
    public Task<DeadLetterInfo> DeadLetterAsync(string id, CancellationToken cancellationToken = default) =>
        _calls.GetAsync<DeadLetterInfo>($"api/dead-letters/{Uri.EscapeDataString(id)}", cancellationToken);

    /// <summary>Redrives dead letters by their ids, 1,000 a request. To do so twice is harmless: each is folded once.</summary>
    public Task<RedriveInfo> RedriveAsync(IEnumerable<string> ids, bool dryRun = false, CancellationToken cancellationToken = default) =>
        RedriveAsync(ids, dryRun, dismissed: false, cancellationToken);

    /// <summary>Redrives dead letters by their ids, 1,000 a request. To do so twice is harmless: each is folded once.</summary>
    /// <param name="ids">The dead letters.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="dismissed">Also those that are dismissed.</param>
    /// <param name="cancellationToken">Stops after the request under way.</param>
    public async Task<RedriveInfo> RedriveAsync(
        IEnumerable<string> ids, bool dryRun, bool dismissed, CancellationToken cancellationToken = default)
    {
        var all = new RedriveInfo(dryRun, [], [], [], null, null);
        foreach (var some in ids.Chunk(MaxAtOnce))
        {
            var request = new RedriveRequest(some, DryRun: dryRun, Dismissed: dismissed ? true : null);
            all = Both(all, await PostAsync(request, cancellationToken).ConfigureAwait(false));
        }

        return all;
    }

    /// <summary>Dismisses dead letters by their ids, 1,000 a request. Nothing that is folded changes.</summary>
    /// <param name="ids">The dead letters.</param>
    /// <param name="reason">Why, in up to 500 characters.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="cancellationToken">Stops after the request under way.</param>
    public async Task<DismissInfo> DismissAsync(
        IEnumerable<string> ids, string reason, bool dryRun = false, CancellationToken cancellationToken = default)
    {
        var all = new DismissInfo(dryRun, [], [], [], null, null);
        foreach (var some in ids.Chunk(MaxAtOnce))
            all = Both(all, await DismissAsync(new(reason, some, DryRun: dryRun), cancellationToken).ConfigureAwait(false));
        return all;
    }

    /// <summary>Dismisses all dead letters of a dataset, or of all datasets, that are open or unknown, request by request.</summary>
    /// <param name="dataset">The dataset; null for all.</param>
    /// <param name="reason">Why, in up to 500 characters.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="cancellationToken">Stops after the request under way.</param>
    public async Task<DismissInfo> DismissOpenAsync(
        string? dataset, string reason, bool dryRun, CancellationToken cancellationToken = default)
    {
        var all = new DismissInfo(dryRun, [], [], [], null, null);
        long? from = null, until = null;
        do
        {
            var one = await DismissAsync(
                new(reason, Dataset: dataset, All: dataset is null ? true : null, DryRun: dryRun, From: from, Until: until),
                cancellationToken).ConfigureAwait(false);
            all = Both(all, one);
            (from, until) = (one.Next, one.End);
        }
        while (from is not null);
        return all;
    }

    /// <summary>
    /// Redrives all open dead letters of a dataset, or of all datasets, request by request. What fails again meanwhile is not tried again.
    /// </summary>
    /// <param name="dataset">The dataset; null for all.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="cancellationToken">Stops after the request under way.</param>
    public async Task<RedriveInfo> RedriveOpenAsync(string? dataset, bool dryRun, CancellationToken cancellationToken = default)
    {
        var all = new RedriveInfo(dryRun, [], [], [], null, null);
        long? from = null, until = null;
        do
        {
            var one = await PostAsync(
                new(Dataset: dataset, All: dataset is null ? true : null, DryRun: dryRun, From: from, Until: until),
                cancellationToken).ConfigureAwait(false);
            all = Both(all, one);
            (from, until) = (one.Next, one.End);
        }
        while (from is not null);
        return all;
    }

    /// <summary>
    /// Sets aside the record before which a partition has stopped, and lets it continue. Answers when a checkpoint with it is written.
    /// To do so twice is harmless.
    /// </summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="offset">Where it stands: <see cref="PartitionInfo.StoppedAt"/>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ActorStreamsException">The partition does not stand there (status 409).</exception>
    public Task<SetAsideInfo> SetAsideAsync(string dataset, int partition, long offset, CancellationToken cancellationToken = default) =>
        PostAsync<SetAsideRequest, SetAsideInfo>(
            "api/dead-letters/set-aside", new(dataset, partition, offset), cancellationToken);

    private Task<DismissInfo> DismissAsync(DismissRequest request, CancellationToken cancellationToken) =>
        PostAsync<DismissRequest, DismissInfo>("api/dead-letters/dismiss", request, cancellationToken);

    private static DismissInfo Both(DismissInfo one, DismissInfo more) => new(
        one.DryRun, [.. one.Dismissed, .. more.Dismissed], [.. one.Done, .. more.Done], [.. one.Refused, .. more.Refused], more.Next,
        more.End);

    private Task<RedriveInfo> PostAsync(RedriveRequest request, CancellationToken cancellationToken) =>
        PostAsync<RedriveRequest, RedriveInfo>("api/dead-letters/redrive", request, cancellationToken);

    private async Task<TAnswer> PostAsync<TRequest, TAnswer>(string path, TRequest request, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(request, options: WireJson.Options);
        return await _calls.OperateAsync<TAnswer>(path, content, cancellationToken).ConfigureAwait(false);
    }

    private static RedriveInfo Both(RedriveInfo one, RedriveInfo more) =>
        new(one.DryRun,
        [
            .. one.Appended, .. more.Appended,
        ], [.. one.Done, .. more.Done], [.. one.Refused, .. more.Refused], more.Next, more.End);
}
