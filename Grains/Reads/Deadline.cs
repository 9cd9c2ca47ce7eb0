namespace ActorStreams.Grains.Reads;

/// <summary>The end of a time limit that several steps share.</summary>
internal readonly struct Deadline(TimeProvider time, TimeSpan limit)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>What is left of the limit; zero when it has passed.</summary>
    internal TimeSpan Left => limit - time.GetElapsedTime(_start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
}
