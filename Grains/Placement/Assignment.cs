namespace ActorStreams.Grains.Placement;

/// <summary>
/// Spreads partitions over silos: a pure function of who owned them before and who is a member now.
/// <list type="bullet">
/// <item>Even: of each dataset, and of all together, no silo has two partitions more than another.</item>
/// <item>Stable: what a member owned it keeps, unless evenness requires it to move. When a silo leaves, only its partitions move; when
/// one joins, they move to it.</item>
/// <item>Deterministic: the same input gives the same owners, on whichever silo it is worked out.</item>
/// </list>
/// No function of the members alone could be both even and stable: it has to know what was before.
/// </summary>
internal static class Assignment
{
    /// <summary>The owner of each partition of each dataset.</summary>
    /// <param name="partitions">The datasets with their numbers of partitions.</param>
    /// <param name="members">The silos, at least one.</param>
    /// <param name="before">The owners before; datasets and partitions may be missing, and owners may be members no more.</param>
    internal static Dictionary<string, string[]> Of(
        IReadOnlyList<(string Dataset, int Partitions)> partitions, IReadOnlyCollection<string> members,
        IReadOnlyDictionary<string, string[]> before)
    {
        var silos = members.Distinct().Order(StringComparer.Ordinal).Select(name => new Silo(name, partitions.Count)).ToList();
        var datasets = partitions.Select(
            (dataset, index) => Keep(silos, index, dataset.Partitions, before.GetValueOrDefault(dataset.Dataset) ?? [])).ToList();
        for (var i = 0; i < datasets.Count; i++)
            Spread(silos, i, datasets[i]);
        Balance(silos, datasets);
        return partitions.Zip(datasets)
            .ToDictionary(pair => pair.First.Dataset, pair => pair.Second.Select(owner => owner!.Name).ToArray());
    }

    private static Silo?[] Keep(List<Silo> silos, int dataset, int partitions, string[] before)
    {
        var owners = new Silo?[partitions];
        for (var i = 0; i < Math.Min(partitions, before.Length); i++)
            Give(owners, i, dataset, silos.Find(silo => silo.Name == before[i]));
        return owners;
    }

    /// <summary>Makes one dataset even: silos with too many partitions give some up, and those go to the silos with the fewest.</summary>
    private static void Spread(List<Silo> silos, int dataset, Silo?[] owners)
    {
        var (least, more) = Math.DivRem(owners.Length, silos.Count);
        foreach (var silo in silos.OrderBy(silo => silo.Total).ThenBy(silo => silo.Name, StringComparer.Ordinal))
        {
            // This many silos may have one more than the others: those with the fewest partitions.
            var mayKeep = silo.Counts[dataset] > least && more > 0 ? least + 1 : least;
            if (mayKeep > least)
                more--;
            while (silo.Counts[dataset] > mayKeep)
                Give(owners, Array.LastIndexOf(owners, silo), dataset, null);
        }

        for (var i = 0; i < owners.Length; i++)
        {
            if (owners[i] is null)
                Give(owners, i, dataset, silos.OrderBy(silo => silo.Counts[dataset]).ThenBy(silo => silo.Total).First());
        }
    }

    /// <summary>
    /// Makes the whole even. Where one silo has two more than another, it has more of some dataset too, so that moving one of
    /// those leaves that dataset even.
    /// </summary>
    private static void Balance(List<Silo> silos, List<Silo?[]> datasets)
    {
        while (true)
        {
            var (heavy, light) = (silos.MaxBy(silo => silo.Total)!, silos.MinBy(silo => silo.Total)!);
            if (heavy.Total - light.Total < 2)
                return;
            var dataset = Enumerable.Range(0, datasets.Count).First(i => heavy.Counts[i] > light.Counts[i]);
            Give(datasets[dataset], Array.LastIndexOf(datasets[dataset], heavy), dataset, light);
        }
    }

    private static void Give(Silo?[] owners, int partition, int dataset, Silo? silo)
    {
        owners[partition]?.Add(dataset, -1);
        owners[partition] = silo;
        silo?.Add(dataset, 1);
    }

    private sealed class Silo(string name, int datasets)
    {
        internal string Name { get; } = name;

        internal int[] Counts { get; } = new int[datasets];

        internal int Total { get; private set; }

        internal void Add(int dataset, int partitions)
        {
            Counts[dataset] += partitions;
            Total += partitions;
        }
    }
}
