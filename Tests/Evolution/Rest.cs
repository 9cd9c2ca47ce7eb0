using System.Text;
using ActorStreams.Batch;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Evolution;

/// <summary>A cluster at rest: nothing lags, no build is underway, and every state is what a batch gives.</summary>
internal static class Rest
{
    /// <summary>What is still to come; null where nothing is.</summary>
    internal static string? Lacking(IReadOnlyList<BuildInfo> builds, IReadOnlyList<DatasetInfo> datasets)
    {
        if (builds.FirstOrDefault(build => build.Status == BuildStatus.Building
            || (build.Status == BuildStatus.Ready && !build.CutoverByCommand)) is { } building)
            return $"{building.Dataset}@{building.Build} is {building.Status}: {building.NotReady}";
        if (datasets.FirstOrDefault(one => one.Status != PartitionState.Running || one.Behind is not { Records: 0 }) is { } behind)
            return $"{behind.Name}@{behind.Build} is {behind.Status}, {behind.Behind} behind: {behind.Reason}";
        return builds.FirstOrDefault(
            build => build is { IsActive: true, Backfill: not null } && datasets.Any(one => one.Name == build.Dataset))
            is { } partial ? $"{partial.Dataset}@{partial.Build} is backfilled" : null;
    }

    /// <summary>
    /// An entity whose newest build has stopped, since its topic is another log than the one that was folded; null for none. A rebuild is
    /// the remedy.
    /// </summary>
    internal static string? Stopped(IReadOnlyList<BuildInfo> builds, IReadOnlyList<DatasetInfo> datasets)
    {
        foreach (var dataset in datasets.Where(dataset => dataset.Kind == DatasetKind.Entity))
        {
            var newest = builds.LastOrDefault(build =>
                build.Dataset == dataset.Name && build.Status is not (BuildStatus.Frozen or BuildStatus.Retired));
            if (newest is { IsActive: true } ? dataset.Status == PartitionState.Stopped
                : newest?.NotReady?.Contains(" is stopped:", StringComparison.Ordinal) == true)
                return dataset.Name;
        }

        return null;
    }

    /// <summary>The states that readers get, of every dataset.</summary>
    internal static async Task<Dictionary<string, SortedDictionary<string, string>>> StatesAsync(
        ActorStreamsClient client, Topology topology)
    {
        var states = new Dictionary<string, SortedDictionary<string, string>>();
        foreach (var dataset in topology.Datasets)
            states[dataset.Name] = await client.AllAsync(dataset.Name);
        return states;
    }

    /// <summary>Compares them with those of a batch over the whole log.</summary>
    /// <returns>How many were compared, and what is wrong.</returns>
    internal static async Task<(int Compared, IReadOnlyList<string> Wrong)> CompareAsync(
        Dictionary<string, SortedDictionary<string, string>> live, Topology topology, IChangeLog log)
    {
        var batch = await new BatchRunner(topology, log).RunAsync();
        var (compared, wrong) = (0, new List<string>(batch.DeadLetters));
        foreach (var (dataset, states) in live)
        {
            var expected = batch.Json(dataset).ToDictionary(state => state.Key, state => Encoding.UTF8.GetString(state.Value));
            compared += expected.Count;
            wrong.AddRange(expected.Keys.Union(states.Keys).Where(key => expected.GetValueOrDefault(key) != states.GetValueOrDefault(key))
                .Select(key => $"{dataset} '{key}' is {states.GetValueOrDefault(key)}, a batch has {expected.GetValueOrDefault(key)}"));
        }

        return (compared, wrong);
    }
}
