namespace ActorStreams.Grains;

/// <summary>What has become of a record that was set aside.</summary>
public enum DeadLetterState
{
    /// <summary>It was not folded since: a redrive is to fold it.</summary>
    Open = 0,

    /// <summary>It was folded since: by a redrive, or at its own place in a rebuild with definitions that were mended.</summary>
    Folded = 1,

    /// <summary>It is not known, and a redrive would be passed by. Only a rebuild is certain to fold it.</summary>
    Unknown = 2,
}
