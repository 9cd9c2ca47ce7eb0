using ActorStreams.Benchmarks.Bounded;
using ActorStreams.Definitions;

namespace ActorStreams.Benchmarks.Builds;

/// <summary>How many depots there are, and how many parcels lie at them: a second level, over <see cref="Depot"/>.</summary>
internal sealed record Load(int Depots, long Parcels) : IView<Load, Depot>
{
    public const string Key = "all";

    public static IEnumerable<string> KeysOf(string key, Depot source) => [Key];

    public static Load? Apply(Load? state, in Change<Depot> change) =>
        new((state?.Depots ?? 0) + change.Count, (state?.Parcels ?? 0) + change.Sum(depot => (long)depot.Parcels));
}

/// <summary>The view that is added later: how many parcels were scanned how often.</summary>
internal sealed record Scanned(int Parcels) : IView<Scanned, Parcel>
{
    public static IEnumerable<string> KeysOf(string key, Parcel source) => [source.Scans.ToString(CultureInfo.InvariantCulture)];

    public static Scanned? Apply(Scanned? state, in Change<Parcel> change)
    {
        var parcels = (state?.Parcels ?? 0) + change.Count;
        return parcels == 0 ? null : new(parcels);
    }
}
