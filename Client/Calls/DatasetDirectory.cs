using System.Net;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>Knows which datasets there are, so that callers need not say whether a name is an entity or a view.</summary>
internal sealed class DatasetDirectory(ITransport transport, TimeProvider time, TimeSpan validFor)
{
    // Replaced as a whole and never changed, so it is read without a lock; two callers that both refresh do no harm.
    private volatile Snapshot? _snapshot;

    private sealed record Snapshot(IReadOnlyDictionary<string, DatasetInfo> ByName, long Taken);

    public async ValueTask<DatasetInfo> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (_snapshot is { } known && time.GetElapsedTime(known.Taken) < validFor && known.ByName.TryGetValue(name, out var dataset))
            return dataset;
        var datasets = await ListAsync(cancellationToken).ConfigureAwait(false);
        return datasets.FirstOrDefault(d => d.Name == name) ?? throw new ActorStreamsException(
            $"There is no dataset '{name}' at {transport.Place}. It has {Names(datasets)}.", HttpStatusCode.NotFound);
    }

    public async Task<IReadOnlyList<DatasetInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var taken = time.GetTimestamp();
        var datasets = await transport.DatasetsAsync(cancellationToken).ConfigureAwait(false);
        _snapshot = new(datasets.ToDictionary(d => d.Name), taken);
        return datasets;
    }

    private static string Names(IReadOnlyList<DatasetInfo> datasets) =>
        datasets.Count == 0 ? "none" : string.Join(", ", datasets.Select(d => $"'{d.Name}'"));
}
