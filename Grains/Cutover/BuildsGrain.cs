using ActorStreams.Builds;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Placement;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;
using ActorStreams.Partitions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Cutover;

/// <summary>
/// Moves readers between builds. A cutover is: hold the readers of the old builds; wait until the new ones reflect everything that those
/// can have shown; one conditional write; let the readers go on, at the new builds (semantics §7). What fails before the write leaves all
/// as it was, and readers that are held go on by themselves.
/// </summary>
[GrainType("builds")]
[KeepAlive]
[Reentrant]
#pragma warning disable CA1001 // the semaphore has no handle
internal sealed partial class BuildsGrain(
    LiveBuilds builds, Ownership ownership, Topology topology, IChangeLog log, PartitionCalls partitions, IGrainFactory grains,
    IOptions<StreamsOptions> options, TimeProvider time, ILogger<BuildsGrain> logger) : Grain, IBuildsGrain
#pragma warning restore CA1001
{
    /// <summary>How long readers may be held until the new builds reflect what the old ones have shown.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly BuildRates _rates = new(time);

    public async Task<IReadOnlyList<BuildReply>> Builds()
    {
        await builds.FollowAsync(CancellationToken.None);
        var catalog = builds.Catalog;
        return RepliesOf(catalog, await AskAsync(catalog));
    }

    public async Task<IReadOnlyList<BuildReply>> Rebuild(string dataset)
    {
        RequireDataset(dataset);
        await builds.ChangeAsync(
            catalog => (catalog with
            {
                Rounds = BuildCatalog.With(catalog.Rounds, dataset, catalog.Rounds.GetValueOrDefault(dataset) + 1),
            }).Plan(topology.Definitions, topology.Application, time.GetUtcNow()),
            CancellationToken.None);
        return await Builds();
    }

    public async Task<IReadOnlyList<BuildReply>> Cutover(string? dataset)
    {
        if (dataset is not null)
            RequireDataset(dataset);
        await builds.FollowAsync(CancellationToken.None);
        var targets = Connected(builds.Catalog.Due(IsFolded), dataset);
        if (targets.Count == 0)
            throw new RequestRefusedException(409, "Nothing to move to", "Readers get the newest build of each dataset already.");
        if (await MoveAsync(targets, byCommand: true) is { } fault)
            throw new RequestRefusedException(409, "Not ready", $"{fault} Readers stay where they are. Try again when it has caught up.");
        return await Builds();
    }

    public async Task<IReadOnlyList<BuildReply>> Rollback(string dataset)
    {
        RequireDataset(dataset);
        await builds.FollowAsync(CancellationToken.None);
        var catalog = builds.Catalog;
        var targets = WithDependents(catalog, dataset).Select(name => catalog.Previous.TryGetValue(name, out var number)
            ? catalog.Find(new(name, number)) : null).OfType<Build>().Where(build => !build.IsRetired).ToList();
        if (targets.All(build => build.Dataset != dataset))
            throw new RequestRefusedException(
                409, "Nothing to roll back to", $"Readers of '{dataset}' had no other build before that still exists.");
        if (await MoveAsync(targets, byCommand: true) is { } fault)
            throw new RequestRefusedException(409, "Not ready", $"{fault} Readers stay where they are.");
        return await Builds();
    }

    public async Task<IReadOnlyList<BuildReply>> Retire(string dataset, int build)
    {
        var id = new BuildId(dataset, build);
        await builds.ChangeAsync(catalog => Retired(catalog, id), CancellationToken.None);
        // The silos that fold it hear of it within one round of their keepers; until then its states must stay.
        _ = DeleteLaterAsync();
        LogRetired(logger, dataset, build);
        return await Builds();
    }

    public async Task Look()
    {
        if (options.Value.Cutover == CutoverKind.ByCommand)
        {
            await Builds(); // their rates are known then, also when nobody asks in between
            return;
        }

        var targets = builds.Catalog.Due(IsFolded).Where(build => !IsHeld(builds.Catalog, build.Dataset)).ToList();
        // As long as there are silos with another definition it is open which one counts.
        if (targets.Count > 0 && targets.All(build => ownership.IsKnownToAll(build.Address))
            && await MoveAsync(targets, byCommand: false) is { } fault)
            LogNotReady(logger, fault);
    }

    /// <summary>
    /// Where a command has moved readers they stay, also at a build that lacks changes; but not at one that could be folded, and is not, as
    /// the deployment that had it is gone.
    /// </summary>
    private bool IsHeld(BuildCatalog catalog, string dataset) =>
        catalog.Held.Contains(dataset) && catalog.ActiveOf(dataset) is { } active && (!active.IsWhole || IsFolded(active));

    private bool IsFolded(Build build) => builds.IsFolded(build, ownership.IsKnown);

    private Task<BuildProgress> AskAsync(BuildCatalog catalog) => BuildProgress.AskAsync(catalog, IsFolded, grains, time);

    private List<BuildReply> RepliesOf(BuildCatalog catalog, BuildProgress progress) =>
        [.. _rates.Look([.. catalog.Builds.Select(progress.ReplyOf)]).Select(reply => WithSettings(catalog, reply))];

    private BuildReply WithSettings(BuildCatalog catalog, BuildReply reply)
    {
        var isKnown = ownership.IsKnownToAll(catalog.Find(new(reply.Dataset, reply.Build))!.Address);
        return reply with
        {
            BackfillShare = reply.StatesSent < reply.StatesToSend ? options.Value.BackfillShare : null,
            CutoverByCommand = options.Value.Cutover == CutoverKind.ByCommand || IsHeld(catalog, reply.Dataset),
            NotReady = reply.Status == "ready" && !isKnown ? "A silo that does not know its definition is a member." : reply.NotReady,
        };
    }

    /// <summary>What readers get is kept, but for a dataset that no silo defines any more: that is forgotten as a whole.</summary>
    private BuildCatalog Retired(BuildCatalog catalog, BuildId id)
    {
        if (catalog.Find(id) is null)
            throw new RequestRefusedException(404, "No such build", $"There is no build {id}.");
        HashSet<BuildId> all = [id];
        foreach (var build in catalog.Builds.Where(build => build.Sources.Any(all.Contains)))
            all.Add(build.Id);
        bool IsDefined(string dataset) => catalog.Builds.Any(build => build.Dataset == dataset && IsFolded(build));
        if (catalog.Builds.FirstOrDefault(build => all.Contains(build.Id) && catalog.IsActive(build) && IsDefined(build.Dataset))
            is { } active)
            throw new RequestRefusedException(
                409, "Readers get it", $"Readers get {active.Id}{(active.Id == id ? "" : $", which is fed by {id}")}. Move them first.");
        return LiveBuilds.Retire(catalog, build => all.Contains(build.Id)) with
        {
            Active = catalog.Active.Where(active => !all.Contains(new(active.Key, active.Value))).ToDictionary(),
        };
    }

    /// <summary>Of some builds those that are connected with a dataset: what feeds it, and what it feeds.</summary>
    private static IReadOnlyList<Build> Connected(IReadOnlyList<Build> targets, string? dataset)
    {
        if (dataset is null)
            return targets;
        HashSet<string> names = [dataset];
        for (var before = 0; before != names.Count;)
        {
            before = names.Count;
            foreach (var build in targets.Where(build => names.Contains(build.Dataset)
                || build.Sources.Any(source => names.Contains(source.Dataset))))
                names.UnionWith([build.Dataset, .. build.Sources.Select(source => source.Dataset)]);
        }

        return [.. targets.Where(build => names.Contains(build.Dataset))];
    }

    /// <summary>A dataset and all that is fed by it, as readers get them.</summary>
    private static List<string> WithDependents(BuildCatalog catalog, string dataset)
    {
        List<string> names = [dataset];
        foreach (var build in catalog.Builds.Where(catalog.IsActive))
        {
            if (!names.Contains(build.Dataset) && build.Sources.Any(source => names.Contains(source.Dataset)))
                names.Add(build.Dataset);
        }

        return names;
    }

    /// <summary>Moves readers to builds, all in one step.</summary>
    /// <returns>Why not; null when it is done.</returns>
    private async Task<string?> MoveAsync(IReadOnlyList<Build> targets, bool byCommand)
    {
        await _turn.WaitAsync();
        try
        {
            var catalog = builds.Catalog;
            var progress = await AskAsync(catalog);
            RepliesOf(catalog, progress);
            // What lacks changes is not waited for: readers are moved there by command alone, and know what they do.
            if (targets.Where(build => build.IsWhole).Select(progress.NotReady).FirstOrDefault(fault => fault is not null) is { } fault)
                return fault;
            var left = targets.Select(build => catalog.ActiveOf(build.Dataset)).OfType<Build>().Where(build => build.IsWhole).ToList();
            return await HoldAndMoveAsync(targets, left, byCommand);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string?> HoldAndMoveAsync(IReadOnlyList<Build> targets, List<Build> left, bool byCommand)
    {
        var begin = time.GetTimestamp();
        try
        {
            await EachAsync(left, grain => grain.HoldReads());
            if (!await ReflectAllAsync(targets))
                return $"{string.Join(", ", targets.Select(build => build.Id))} "
                    + $"did not reflect all records within {MaxWait.TotalSeconds:0} s.";
            var done = await builds.ChangeAsync(catalog => Moved(catalog, targets, byCommand), CancellationToken.None);
            if (!targets.All(done.IsActive))
                return "The builds have changed meanwhile.";
            LogMoved(logger, string.Join(", ", targets.Select(build => build.Id)), time.GetElapsedTime(begin).TotalMilliseconds);
            return null;
        }
        finally
        {
            // New ones first: readers that are let go find them knowing that they are the ones.
            await EachAsync(targets, grain => grain.ReleaseReads());
            await EachAsync(left, grain => grain.ReleaseReads());
        }
    }

    /// <summary>Nothing where a target is gone or lacks changes by now.</summary>
    private static BuildCatalog Moved(BuildCatalog catalog, IReadOnlyList<Build> targets, bool byCommand)
    {
        if (targets.Any(build => catalog.Find(build.Id) is not { IsRetired: false } now || now.Detached != build.Detached))
            return catalog;
        var (active, previous) = (new Dictionary<string, int>(catalog.Active), new Dictionary<string, int>(catalog.Previous));
        foreach (var build in targets)
        {
            previous[build.Dataset] = active[build.Dataset];
            active[build.Dataset] = build.Number;
        }

        return catalog with
        {
            Active = active, Previous = previous,
            Held = byCommand ? [.. catalog.Held.Union(targets.Select(build => build.Dataset))] : catalog.Held,
        };
    }

    /// <summary>Waits until the builds reflect every record that the source topics have now; false when the time ran out.</summary>
    private async Task<bool> ReflectAllAsync(IReadOnlyList<Build> targets)
    {
        var ends = new List<Position>();
        foreach (var topic in topology.SourceTopics.ToList())
        {
            var ranges = await log.OffsetsAsync(topic);
            ends.AddRange(ranges.Select((range, partition) => new Position(topic, partition, range.End - 1)).Where(end => end.Offset >= 0));
        }

        var deadline = new Deadline(time, MaxWait);
        var wait = new LineageWait(log, partitions.RoutedAsync);
        foreach (var build in targets.Where(build => build.IsWhole))
        {
            if (topology.Running.FirstOrDefault(one => one.Id == build.Id) is not { } dataset)
                return false; // this silo does not know it: another one is to do this
            var own = ends.Where(end => LineageWait.IsBehind(dataset, end.Topic)).ToList();
            if (await wait.RunAsync(dataset, own, deadline, CancellationToken.None) is not { } offsets)
                return false;
            var reached = await Task.WhenAll(
                offsets.Select(offset => partitions.RoutedAsync(dataset, offset.Key, offset.Value, deadline, CancellationToken.None)));
            if (!reached.All(one => one))
                return false;
        }

        return true;
    }

    private Task EachAsync(IEnumerable<Build> some, Func<IPartitionGrain, Task> call) => Task.WhenAll(
        some.Where(build => build.IsWhole).SelectMany(build => Enumerable.Range(0, build.Partitions).Select(async partition =>
        {
            try
            {
                await call(grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(build, partition)));
            }
            catch (Exception error)
            {
                // It is on its way to another silo, and begins there with what the catalog says.
                LogNotTold(logger, error.Message, build.Dataset, partition);
            }
        })));

    private async Task DeleteLaterAsync()
    {
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(2 * options.Value.KeeperIntervalSeconds), time);
            await builds.DeleteRetiredAsync(CancellationToken.None);
        }
        catch (Exception error)
        {
            LogNotDeleted(logger, error);
        }
    }

    private void RequireDataset(string dataset)
    {
        if (!topology.TryGet(dataset, out _))
            throw Refusals.NoSuchDataset(topology, dataset);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Readers get {Builds} now. They waited for {Milliseconds:0} ms.")]
    private static partial void LogMoved(ILogger logger, string builds, double milliseconds);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Readers are not moved yet: {Fault}")]
    private static partial void LogNotReady(ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "Build {Build} of '{Dataset}', and what it feeds, is to be deleted.")]
    private static partial void LogRetired(ILogger logger, string dataset, int build);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Not everything of the retired builds is deleted yet. The next start of a silo goes on.")]
    private static partial void LogNotDeleted(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Dataset}/{Partition} could not be told of a cutover: {Reason}")]
    private static partial void LogNotTold(ILogger logger, string reason, string dataset, int partition);
}
