using ActorStreams.Builds;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Builds;

/// <summary>
/// The builds as this silo knows them: it follows the catalog in the store, binds the builds whose definitions it has to datasets, and
/// tells the topology which of them are folded here and which readers get. Changes of the catalog are made here alone.
/// </summary>
#pragma warning disable CA1001 // the semaphore has no handle, and is used until the process ends
public sealed partial class LiveBuilds(Topology topology, IStateStore store, IChangeLog log, TimeProvider time, ILogger<LiveBuilds> logger)
#pragma warning restore CA1001
{
    /// <summary>Attempts at a change, each after another silo was quicker.</summary>
    private const int MaxAttempts = 100;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly BuildBinding _binding = new(topology);
    private long _bound = -1;

    /// <summary>The catalog as it was last read.</summary>
    public BuildCatalog Catalog { get; private set; } = new();

    /// <summary>Whether a silo can fold a build: this one, or another.</summary>
    /// <param name="build">The build.</param>
    /// <param name="isKnown">Whether any silo is known to, by the build's address.</param>
    internal bool IsFolded(Build build, Func<string, bool> isKnown) =>
        isKnown(build.Address) || topology.Running.Any(dataset => dataset.Id == build.Id);

    /// <summary>
    /// What folds these datasets has to begin again, since their views have changed; or there are other datasets to fold.
    /// </summary>
    internal event Action<IReadOnlyList<Dataset>>? Changed;

    /// <summary>Reads the catalog again; when it has returned, the topology serves what it says.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var stored = await store.ReadCatalogAsync(cancellationToken);
            if (stored.Number > _bound)
                await BindAsync(BuildCatalog.Read(stored), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Changes the catalog in one conditional write, and follows it.</summary>
    /// <param name="change">What the catalog is to become; called again for each catalog that others have written meanwhile. The same
    /// catalog for no change.</param>
    /// <param name="cancellationToken">Gives up; the change may have been made.</param>
    /// <returns>The catalog with the change.</returns>
    internal async Task<BuildCatalog> ChangeAsync(Func<BuildCatalog, BuildCatalog> change, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                var before = BuildCatalog.Read(await store.ReadCatalogAsync(cancellationToken));
                var after = change(before);
                if (ReferenceEquals(after, before))
                {
                    await BindAsync(before, cancellationToken);
                    return before;
                }

                // A build is written down before anything of it exists, so that nothing is ever found that nobody knows.
                if (!await store.WriteCatalogAsync(after.ToStored(), cancellationToken))
                    continue;
                LogNew(before, after);
                after = after with { Number = before.Number + 1 };
                await BindAsync(after, cancellationToken);
                return after;
            }

            throw new StoreUnavailableException(
                $"The catalog of builds was changed {MaxAttempts} times by others while this silo was to change it. Try again.");
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes the builds that this silo's definitions lack.</summary>
    internal Task<BuildCatalog> PlanAsync(CancellationToken cancellationToken) => ChangeAsync(
        catalog => catalog.Plan(topology.Definitions, topology.Application, time.GetUtcNow()), cancellationToken);

    /// <summary>
    /// Writes down that builds lack changes from now on, since a partition that feeds them is folded without them. It is done before the
    /// first change that they lack.
    /// </summary>
    internal async Task DetachAsync(Dataset source, IReadOnlyList<EdgeReach> edges, CancellationToken cancellationToken)
    {
        await ChangeAsync(
            catalog => edges.Select(edge => new BuildId(edge.View, edge.Build)).Where(id => catalog.Find(id) is { IsWhole: true })
                .Aggregate(catalog, (changed, id) => Detach(changed, id, time.GetUtcNow())),
            cancellationToken);
        foreach (var edge in edges)
            LogDetached(logger, source.Name, source.Build, edge.View, edge.Build);
    }

    /// <summary>Marks builds for deletion; nobody folds them or reads them from now on.</summary>
    internal static BuildCatalog Retire(BuildCatalog catalog, Func<Build, bool> which) => catalog with
    {
        Builds = [.. catalog.Builds.Select(build => which(build) ? build with { IsRetired = true } : build)],
    };

    /// <summary>
    /// Deletes what is marked for it: states, the input logs of views, which this application made, and at last the entry itself. What is
    /// cut short is done by the next call, on whichever silo.
    /// </summary>
    internal async Task DeleteRetiredAsync(CancellationToken cancellationToken)
    {
        foreach (var build in Catalog.Builds.Where(build => build.IsRetired).Reverse().ToList())
        {
            await store.DropAsync(build.Dataset, build.Number, cancellationToken);
            if (build.Kind == DatasetKind.View && topology.IsWrittenByUs(build.Topic))
                await log.DeleteTopicAsync(build.Topic, cancellationToken);
            await ChangeAsync(
                catalog => catalog.Find(build.Id) is null
                    ? catalog : catalog with { Builds = [.. catalog.Builds.Where(one => one.Id != build.Id)] },
                cancellationToken);
            LogDeleted(logger, build.Dataset, build.Number);
        }
    }

    /// <summary>A build that is fed by one that lacks changes lacks them too.</summary>
    private static BuildCatalog Detach(BuildCatalog catalog, BuildId id, DateTimeOffset now) => catalog.DependentsOf(id)
        .Where(build => build.IsWhole).Select(build => build.Id).ToList()
        .Aggregate(catalog.With(id, build => build with { Detached = now }), (changed, dependent) => Detach(changed, dependent, now));

    private async Task BindAsync(BuildCatalog catalog, CancellationToken cancellationToken)
    {
        if (catalog.Number <= _bound)
            return;
        // The topics first: a partition that feeds a view may append to it as soon as it is bound.
        foreach (var build in catalog.Builds.Where(build => build.IsWhole && build.Kind == DatasetKind.View
            && Catalog.Find(build.Id) is null && topology.Definitions.Any(build.IsOf)))
            await log.CreateTopicAsync(build.Topic, build.Partitions, cancellationToken);
        var changed = _binding.Bind(catalog);
        (Catalog, _bound) = (catalog, catalog.Number);
        Changed?.Invoke(changed);
    }

    private void LogNew(BuildCatalog before, BuildCatalog after)
    {
        foreach (var build in after.Builds.Where(build => before.Find(build.Id) is null))
            LogMade(logger, build.Number, build.Dataset, build.Why);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Build {Number} of '{Dataset}' is made. {Why}")]
    private static partial void LogMade(ILogger logger, int number, string dataset, string why);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Build {SourceBuild} of '{Source}' no longer feeds build {Build} of '{View}', whose definition no "
            + "silo knows that may own its partitions. That build keeps its states as they are.")]
    private static partial void LogDetached(ILogger logger, string source, int sourceBuild, string view, int build);

    [LoggerMessage(Level = LogLevel.Information, Message = "Build {Number} of '{Dataset}' is deleted.")]
    private static partial void LogDeleted(ILogger logger, string dataset, int number);
}
