using ActorStreams.Builds;

namespace ActorStreams.Grains.Placement;

/// <summary>
/// Which silos may own a build's partitions while silos with different definitions are members (semantics §7): those that know it, and of
/// these the ones that know most of the views that it feeds, those first that readers get. So a view does not lose its changes as long as
/// there is a silo that can give it them. A pure function.
/// </summary>
internal static class Eligibility
{
    /// <summary>The owner of each partition of each build that a member knows.</summary>
    /// <param name="catalog">Says which builds feed which.</param>
    /// <param name="known">For each silo the builds that it knows, with their numbers of partitions.</param>
    /// <param name="members">The silos that may own anything, at least one.</param>
    /// <param name="before">The owners before.</param>
    internal static Dictionary<string, string[]> Assign(
        BuildCatalog catalog, IReadOnlyDictionary<string, Dictionary<string, int>> known, IReadOnlyCollection<string> members,
        IReadOnlyDictionary<string, string[]> before)
    {
        var partitions = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (build, count) in members.SelectMany(member => KnownTo(member, known)))
            partitions[build] = Math.Max(count, partitions.GetValueOrDefault(build));
        var owners = new Dictionary<string, string[]>();
        // Builds with the same silos are spread together, so that the whole is even.
        foreach (var group in partitions.GroupBy(build => string.Join(' ', Of(catalog, known, members, build.Key)), StringComparer.Ordinal))
        {
            var builds = group.Select(build => (build.Key, build.Value)).ToList();
            foreach (var (build, silos) in Assignment.Of(builds, group.Key.Split(' '), before))
                owners[build] = silos;
        }

        return owners;
    }

    /// <summary>The silos that may own a build's partitions, in order.</summary>
    private static List<string> Of(
        BuildCatalog catalog, IReadOnlyDictionary<string, Dictionary<string, int>> known, IReadOnlyCollection<string> members,
        string address)
    {
        var views = catalog.Builds.FirstOrDefault(build => build.Address == address) is { } build
            ? catalog.DependentsOf(build.Id).Where(view => view.IsWhole).ToList() : [];
        (int Active, int Others) Fit(string member) => (
            views.Count(view => catalog.IsActive(view) && KnownTo(member, known).ContainsKey(view.Address)),
            views.Count(view => KnownTo(member, known).ContainsKey(view.Address)));
        return [.. members.Where(member => KnownTo(member, known).ContainsKey(address)).GroupBy(Fit).MaxBy(group => group.Key)!
            .Order(StringComparer.Ordinal)];
    }

    private static IReadOnlyDictionary<string, int> KnownTo(string member, IReadOnlyDictionary<string, Dictionary<string, int>> known) =>
        known.TryGetValue(member, out var builds) ? builds : Nothing;

    private static Dictionary<string, int> Nothing { get; } = [];
}
