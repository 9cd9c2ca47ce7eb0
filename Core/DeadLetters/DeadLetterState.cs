namespace ActorStreams.DeadLetters;

/// <summary>What has become of a record that was set aside.</summary>
public enum DeadLetterState
{
    /// <summary>It has not been folded since. A redrive is to fold it.</summary>
    Open = 0,

    /// <summary>It has been folded since: by a redrive, or at its own place in a rebuild with mended definitions.</summary>
    Folded = 1,

    /// <summary>It is not known whether it has been folded, and a redrive would be skipped. Only a rebuild is certain to fold it.</summary>
    Unknown = 2,

    /// <summary>It has not been folded since, and an operator has dismissed it. A partition does not know this; lists do.</summary>
    Dismissed = 3,
}
