using ActorStreams.Definitions;

namespace ActorStreams.Benchmarks.Bounded;

/// <summary>A parcel was scanned somewhere. Its fold takes as long as the record says: a user's code that is slow for some keys.</summary>
internal sealed record Scan(string Depot, int FoldMilliseconds, string Note);

/// <summary>A parcel: where it is, and how often it was scanned.</summary>
internal sealed record Parcel(string Depot, int Scans) : IEntity<Parcel, Scan>
{
    public static Parcel? Apply(Parcel? state, in Record<Scan> record)
    {
        if (record.Value.FoldMilliseconds > 0)
            Thread.Sleep(record.Value.FoldMilliseconds);
        return new(record.Value.Depot, (state?.Scans ?? 0) + 1);
    }
}

/// <summary>What lies at a depot: re-keyed, since parcels move.</summary>
internal sealed record Depot(int Parcels, long Scans) : IView<Depot, Parcel>
{
    public static IEnumerable<string> KeysOf(string key, Parcel source) => [source.Depot];

    public static Depot? Apply(Depot? state, in Change<Parcel> change)
    {
        var parcels = (state?.Parcels ?? 0) + change.Count;
        return parcels == 0 ? null : new(parcels, (state?.Scans ?? 0) + change.Sum(parcel => parcel.Scans));
    }
}
