using ActorStreams.DeadLetters;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Grains.DeadLetters;

/// <summary>A dead letter that is to be appended again.</summary>
public sealed record PlannedRedrive(DeadLetterId Id, StoredDeadLetter? Letter)
{
    /// <summary>Where it was appended.</summary>
    public Position? Position { get; set; }

    /// <summary>What became of it.</summary>
    public RedriveOutcome Outcome { get; set; }
}

/// <summary>What a redrive does, or would do in a dry run.</summary>
public sealed class RedrivePlan
{
    /// <summary>Those that are appended again, or would be.</summary>
    public List<PlannedRedrive> Planned { get; } = [];

    /// <summary>Those that have been folded before.</summary>
    public List<DeadLetterId> Done { get; } = [];

    /// <summary>Those that cannot be redriven, and why.</summary>
    public List<(DeadLetterId Id, string Reason)> Refused { get; } = [];

    /// <summary>The end of the topic of dead letters when it was read; null when it was not.</summary>
    public long? End { get; set; }

    /// <summary>The offset of the topic of dead letters at which the next call begins; null when there is nothing left.</summary>
    public long? Next { get; set; }

    /// <summary>Bytes of the planned originals, as far as the dead letters contain them.</summary>
    public long PlannedBytes { get; private set; }

    /// <summary>Sorts a dead letter by what has become of it, and whether it can be redriven.</summary>
    public void Plan(DeadLetterId id, StoredDeadLetter? letter, DeadLetterState state, string? refusal)
    {
        if (state == DeadLetterState.Folded)
            Done.Add(id);
        else if (refusal is not null)
            Refused.Add((id, refusal));
        else
        {
            Planned.Add(new(id, letter));
            PlannedBytes += letter?.ValueBytes ?? 0;
        }
    }
}
