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
    internal static async Task<BuildProgress> AskAsync(
        BuildCatalog catalog, Func<Build, bool> isFolded, IGrainFactory grains, TimeProvider time)
    {
        var folded = catalog.Builds.Where(build => build.IsWhole && isFolded(build));
        var asked = await Task.WhenAll(folded.Select(async build => (build.Id, await Task.WhenAll(
            Enumerable.Range(0, build.Partitions).Select(partition => AskAsync(build, partition, grains, time))))));
        return new(catalog, asked.ToDictionary(one => one.Id, one => one.Item2));
    }

    /// <summary>Why readers cannot be moved to a build yet; null when they can.</summary>
    internal string? NotReady(Build build)
    {
        if (!build.IsWhole)
            return $"{build.Id} lacks changes.";
        if (!partitions.TryGetValue(build.Id, out var own))
            return $"{build.Id} is not folded: no silo knows its definition.";
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
        var (edges, backfill, status) = (Edges(build), BackfillOf(build), StatusOf(build));
        return new()
        {
            Dataset = build.Dataset, Build = build.Number, Version = build.Version, Topic = build.Topic, Why = build.Why,
            Sources = [.. build.Sources.Select(source => source.ToString())], Made = build.Made.ToUnixTimeMilliseconds(),
            Status = status, States = own.Sum(partition => partition.States), Behind = own.Sum(partition => partition.BehindRecords),
            WholeEdges = edges.Count(edge => edge.IsWhole), Edges = EdgesOf(build), Backfilled = edges.Sum(edge => edge.Sent),
            Progress = ProgressOf(build), Folded = own.Sum(partition => partition.NextOffset), StatesSent = backfill.Sent,
            StatesToSend = backfill.All, NotReady = status == "building" ? NotReady(build) : null,
            FrozenSince = build.Detached?.ToUnixTimeMilliseconds(), IsActive = catalog.IsActive(build),
        };
    }

    /// <summary>A build is as far as the least of itself and its sources: its own input grows only as they fold.</summary>
    private double? ProgressOf(Build build)
    {
        if (!partitions.TryGetValue(build.Id, out var own))
            return null;
        var folded = own.Sum(partition => Math.Min(partition.NextOffset, partition.EndOffset));
        var all = own.Sum(partition => partition.EndOffset);
        var (sent, toSend) = BackfillOf(build);
        var progress = (all > 0 ? (double)folded / all : own.All(partition => partition.Status == "running") ? 1 : 0)
            * (toSend > 0 ? (double)sent / toSend : 1);
        return build.Sources.Select(catalog.Find).OfType<Build>().Select(ProgressOf).OfType<double>().Append(progress).Min();
    }

    /// <summary>Stored states of its sources sent to a build, and how many there are to send; a whole edge counts as all.</summary>
    private (long Sent, long All) BackfillOf(Build build)
    {
        var (sent, all) = (0L, 0L);
        foreach (var partition in build.Sources.SelectMany(source => partitions.GetValueOrDefault(source) ?? []))
        {
            var edge = partition.Edges.FirstOrDefault(edge => edge.View == build.Dataset && edge.Build == build.Number);
            var states = Math.Max(partition.States, edge is { IsWhole: true } ? 0 : 1);
            (sent, all) = (sent + (edge is { IsWhole: true } ? states : Math.Min(states, edge?.Passed ?? 0)), all + states);
        }

        return (sent, all);
    }

    private string StatusOf(Build build) => build.IsRetired ? "retired"
        : build.Detached is not null || !partitions.ContainsKey(build.Id) ? "frozen"
        : catalog.IsActive(build) ? "active"
        : IsFormer(build) ? "previous"
        : NotReady(build) is null ? "ready" : "building";

    /// <summary>
    /// Whether readers are not moved to it by itself: they have left it, or a newer one took over before it had caught up. One that is
    /// older than what readers get is awaited where nobody folds that.
    /// </summary>
    private bool IsFormer(Build build) => build.Number < catalog.Active.GetValueOrDefault(build.Dataset)
        ? !catalog.Due(one => partitions.ContainsKey(one.Id)).Contains(build)
        : catalog.Previous.GetValueOrDefault(build.Dataset) == build.Number;

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
