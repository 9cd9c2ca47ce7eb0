using ActorStreams.Builds;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Placement;

namespace ActorStreams.Grains.Cutover;

/// <summary>How far each build is: what its partitions, and those of its sources, say.</summary>
internal sealed class BuildProgress(BuildCatalog catalog, IReadOnlyDictionary<BuildId, PartitionStatus[]> partitions)
{
    /// <summary>Records behind which a partition counts as caught up: what comes in while it is asked.</summary>
    private const long MaxBehind = 5_000;

    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Asks all partitions of all builds that are folded.</summary>
    internal static async Task<BuildProgress> AskAsync(BuildCatalog catalog, IGrainFactory grains, TimeProvider time)
    {
        var asked = await Task.WhenAll(catalog.Builds.Where(build => build.IsWhole).Select(async build => (build.Id, await Task.WhenAll(
            Enumerable.Range(0, build.Partitions).Select(partition => AskAsync(build, partition, grains, time))))));
        return new(catalog, asked.ToDictionary(one => one.Id, one => one.Item2));
    }

    /// <summary>Why readers cannot be moved to a build yet; null when they can.</summary>
    internal string? NotReady(Build build)
    {
        if (!build.IsWhole)
            return $"{build.Id} lacks changes.";
        var own = partitions[build.Id];
        if (own.FirstOrDefault(partition => partition.Status != "running") is { } idle)
            return $"{build.Id} partition {idle.Partition} is {idle.Status}: {idle.Reason}";
        if (Edges(build).Count(edge => !edge.IsWhole) is > 0 and var missing)
            return $"{build.Id} is still being sent the states of {missing} of {EdgesOf(build)} partitions of its sources.";
        return own.Sum(partition => partition.BehindRecords) is var behind && behind > MaxBehind
            ? string.Create(CultureInfo.InvariantCulture, $"{build.Id} is {behind:N0} records behind.") : null;
    }

    internal BuildReply ReplyOf(Build build)
    {
        var own = partitions.GetValueOrDefault(build.Id) ?? [];
        var edges = Edges(build);
        var (folded, all) = (own.Sum(partition => partition.NextOffset), own.Sum(partition => Math.Max(1, partition.EndOffset)));
        var (whole, of) = (edges.Count(edge => edge.IsWhole), EdgesOf(build));
        var progress = (all == 0 ? 0 : Math.Min(1, (double)folded / all)) * (of == 0 ? 1 : (double)whole / of);
        return new()
        {
            Dataset = build.Dataset, Build = build.Number, Version = build.Version, Topic = build.Topic, Why = build.Why,
            Sources = [.. build.Sources.Select(source => source.ToString())], Made = build.Made.ToUnixTimeMilliseconds(),
            Status = StatusOf(build),
            States = own.Sum(partition => partition.States), Behind = own.Sum(partition => partition.BehindRecords),
            WholeEdges = whole, Edges = of, Backfilled = edges.Sum(edge => edge.Sent), Progress = progress,
        };
    }

    private string StatusOf(Build build) => build.IsRetired ? "retired"
        : catalog.IsActive(build) ? build.Detached is null ? "active" : "frozen"
        : build.Detached is not null ? "frozen"
        : catalog.Previous.GetValueOrDefault(build.Dataset) == build.Number ? "previous"
        : NotReady(build) is null ? "ready" : "building";

    /// <summary>The edges to a build that its sources' partitions have told of.</summary>
    private List<EdgeStatus> Edges(Build build) =>
    [
        .. build.Sources.SelectMany(source => partitions.GetValueOrDefault(source) ?? []).SelectMany(partition =>
            partition.Edges.Where(edge => edge.View == build.Dataset && edge.Build == build.Number)
                .DefaultIfEmpty(new(build.Dataset, build.Number, false, 0))),
    ];

    private int EdgesOf(Build build) => build.Sources.Sum(source => catalog.Find(source)?.Partitions ?? 0);

    private static async Task<PartitionStatus> AskAsync(Build build, int partition, IGrainFactory grains, TimeProvider time)
    {
        try
        {
            return await grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(build, partition)).GetState().WaitAsync(StatusTimeout, time);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or PartitionUnavailableException or ArgumentException)
        {
            return PartitionStatus.Unreachable(build.Dataset, partition, error.Message);
        }
    }
}
