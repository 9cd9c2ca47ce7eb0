namespace ActorStreams.Grains.Cutover;

/// <summary>How fast builds get ahead, from what they had at the looks of the last half minute.</summary>
internal sealed class BuildRates(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    /// <summary>Looks that follow each other faster say little.</summary>
    private static readonly TimeSpan MinBetween = TimeSpan.FromSeconds(0.5);

    private Dictionary<(string, int), List<Seen>> _seen = [];

    /// <summary>Remembers how far the builds are now.</summary>
    /// <returns>The same, with rates and estimates for those that are being built.</returns>
    internal IReadOnlyList<BuildReply> Look(IReadOnlyList<BuildReply> builds)
    {
        var before = _seen;
        _seen = builds.Where(build => build.Status == "building")
            .ToDictionary(build => (build.Dataset, build.Build), build => before.GetValueOrDefault((build.Dataset, build.Build)) ?? []);
        return [.. builds.Select(build => _seen.TryGetValue((build.Dataset, build.Build), out var looks) ? WithRate(build, looks) : build)];
    }

    private BuildReply WithRate(BuildReply build, List<Seen> looks)
    {
        var now = new Seen(time.GetTimestamp(), build.Folded + build.StatesSent, build.Progress ?? 0);
        if (looks.Count > 0 && now.Done < looks[^1].Done)
            looks.Clear(); // a partition has begun again from its checkpoint, or did not answer
        while (looks.Count > 1 && time.GetElapsedTime(looks[1].At, now.At) >= Window)
            looks.RemoveAt(0);
        if (looks.Count == 0 || time.GetElapsedTime(looks[^1].At, now.At) >= MinBetween)
            looks.Add(now);
        var seconds = time.GetElapsedTime(looks[0].At, now.At).TotalSeconds;
        if (seconds < MinBetween.TotalSeconds)
            return build;
        var progress = (now.Progress - looks[0].Progress) / seconds;
        return build with
        {
            RecordsPerSecond = (now.Done - looks[0].Done) / seconds, SecondsLeft = progress > 0 ? (1 - now.Progress) / progress : null,
        };
    }

    /// <summary>What a build had at one look.</summary>
    private readonly record struct Seen(long At, long Done, double Progress);
}
