namespace ActorStreams.Frames;

/// <summary>Which sides of a change a view key receives.</summary>
internal enum RouteKind
{
    /// <summary>The source stayed: before and after.</summary>
    Stayed = 0,

    /// <summary>The source left: before, and nothing after.</summary>
    Left = 1,

    /// <summary>The source entered: nothing before, and after.</summary>
    Entered = 2,
}
