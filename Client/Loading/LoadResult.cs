namespace ActorStreams.Client.Loading;

/// <summary>What a load did.</summary>
/// <param name="Topic">The topic it loaded into.</param>
/// <param name="Records">Records it appended.</param>
/// <param name="Skipped">Records that were there from an earlier load.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record LoadResult(string Topic, long Records, long Skipped, double Seconds)
{
    /// <summary>Records appended a second.</summary>
    public double RecordsPerSecond => Seconds > 0 ? Records / Seconds : 0;
}
