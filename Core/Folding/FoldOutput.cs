using ActorStreams.DeadLetters;
using ActorStreams.Frames;

namespace ActorStreams.Folding;

/// <summary>What folding one batch gave, besides new states: all that the shell has to send on.</summary>
internal sealed class FoldOutput
{
    /// <summary>Frames for the views' input logs, in the order they must be appended.</summary>
    internal List<Frame> Frames { get; } = [];

    /// <summary>Records and changes that could not be folded.</summary>
    internal List<DeadLetter> DeadLetters { get; } = [];

    /// <summary>Changes of keys that are watched.</summary>
    internal List<WatchedChange> Watched { get; } = [];

    /// <summary>Adds what the next part of the same batch gave.</summary>
    internal void Add(FoldOutput next)
    {
        Frames.AddRange(next.Frames);
        DeadLetters.AddRange(next.DeadLetters);
        Watched.AddRange(next.Watched);
        Folded += next.Folded;
        Repeats += next.Repeats;
        StoppedAt = next.StoppedAt;
    }

    /// <summary>Bytes of all frames and dead letters.</summary>
    internal long Bytes => Frames.Sum(frame => (long)frame.Bytes.Length) + DeadLetters.Sum(letter => (long)(letter.Value?.Length ?? 0));

    /// <summary>Records folded; repeats and dead letters not counted.</summary>
    internal int Folded { get; set; }

    /// <summary>Changes skipped because their origin was not above the mark.</summary>
    internal int Repeats { get; set; }

    /// <summary>
    /// Set when the dataset stops at bad records and met one: the offset it stands at. What is in memory is then worthless.
    /// </summary>
    internal long? StoppedAt { get; set; }
}
