using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Log;

namespace ActorStreams.Grains.DeadLetters;

/// <summary>What a call dismissed, or would dismiss.</summary>
public sealed class DismissOutcome
{
    /// <summary>Those that are dismissed, or would be.</summary>
    public List<DeadLetterId> Dismissed { get; } = [];

    /// <summary>Those that had been dismissed before.</summary>
    public List<DeadLetterId> Done { get; } = [];

    /// <summary>Those that cannot be dismissed, and why.</summary>
    public List<(DeadLetterId Id, string Reason)> Refused { get; } = [];

    /// <summary>The end of the topic of dead letters when it was read; null when it was not.</summary>
    public long? End { get; set; }

    /// <summary>The offset of the topic of dead letters at which the next call begins; null when there is nothing left.</summary>
    public long? Next { get; set; }

    /// <summary>Sorts a dead letter by what has become of it.</summary>
    internal void Plan(DeadLetterId id, DeadLetterState state)
    {
        if (state == DeadLetterState.Folded)
            Refused.Add((id, "It has been folded since, so there is nothing to dismiss."));
        else
            (state == DeadLetterState.Dismissed ? Done : Dismissed).Add(id);
    }
}

/// <summary>Who dismisses dead letters, and why.</summary>
/// <param name="By">The caller.</param>
/// <param name="Reason">Up to <see cref="Dismisser.MaxReasonChars"/> characters.</param>
public readonly record struct DismissalText(string By, string Reason);

/// <summary>
/// Dismisses dead letters by a record for each in the topic of dead letters. It changes no state and no checkpoint: the record that was set
/// aside stays so, and a redrive of it would still be folded once.
/// </summary>
public sealed class Dismisser(Topology topology, IChangeLog log, DeadLetterReader letters, Dismissals dismissals, TimeProvider time)
{
    /// <summary>Dead letters that one call dismisses.</summary>
    public const int MaxAtOnce = 1_000;

    /// <summary>Characters of a reason.</summary>
    public const int MaxReasonChars = 500;

    /// <summary>Dead letters that a call looks through.</summary>
    private const int MaxScanned = 20_000;

    /// <summary>How long an answer waits for this silo to read what it wrote.</summary>
    private static readonly TimeSpan ReadBack = TimeSpan.FromSeconds(5);

    /// <summary>Dismisses dead letters by their ids; up to <see cref="MaxAtOnce"/>.</summary>
    public async Task<DismissOutcome> DismissAsync(
        IReadOnlyCollection<DeadLetterId> ids, DismissalText text, bool dryRun, CancellationToken cancellationToken)
    {
        var (found, outcome) = (await letters.FindAsync(ids, cancellationToken), new DismissOutcome());
        foreach (var status in (await letters.StatusAsync([.. found.Values], cancellationToken)).DistinctBy(one => one.Letter.Root))
            outcome.Plan(status.Letter.Root, status.State);
        outcome.Refused.AddRange(ids.Where(id => !found.ContainsKey(id)).Distinct().Select(
            id => (id, $"It is not among the newest {DeadLetterReader.MaxSought} dead letters. Dismiss an older one by its dataset.")));
        await WriteAsync(outcome, text, dryRun, cancellationToken);
        return outcome;
    }

    /// <summary>Dismisses what is open or unknown, oldest first, from an offset of the topic of dead letters on.</summary>
    /// <param name="dataset">Only dead letters of this dataset; all when null.</param>
    /// <param name="from">Where to begin: 0, or what the call before gave as next.</param>
    /// <param name="until">Where to end: what the first call gave as end. The end of the topic when null.</param>
    /// <param name="limit">How many, up to <see cref="MaxAtOnce"/>.</param>
    /// <param name="text">Who, and why.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<DismissOutcome> DismissOpenAsync(
        string? dataset, long from, long? until, int limit, DismissalText text, bool dryRun, CancellationToken cancellationToken)
    {
        var (outcome, scanned, seen) = (new DismissOutcome(), 0, new HashSet<DeadLetterId>());
        await foreach (var (window, next, end) in letters.AscendAsync(from, until, cancellationToken))
        {
            outcome.End = end;
            scanned += window.Count;
            foreach (var status in await letters.StatusAsync(
                [.. window.Where(letter => (dataset is null || letter.Id.Dataset == dataset) && seen.Add(letter.Root))], cancellationToken))
            {
                if (outcome.Dismissed.Count == limit)
                {
                    outcome.Next = status.Letter.Offset;
                    break;
                }

                if (status.State is DeadLetterState.Open or DeadLetterState.Unknown)
                    outcome.Plan(status.Letter.Root, status.State);
            }

            if (outcome.Next is null && scanned >= MaxScanned && next < end)
                outcome.Next = next;
            if (outcome.Next is not null)
                break;
        }

        await WriteAsync(outcome, text, dryRun, cancellationToken);
        return outcome;
    }

    private async Task WriteAsync(DismissOutcome outcome, DismissalText text, bool dryRun, CancellationToken cancellationToken)
    {
        if (dryRun || outcome.Dismissed.Count == 0)
            return;
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        var positions = await log.AppendOwnAsync(
            topology.DeadLetterTopic,
            [.. outcome.Dismissed.Select(id => DismissalFormat.ToRecord(new(id, text.By, at, text.Reason)))], cancellationToken);
        try
        {
            await dismissals.ReadUpToAsync(positions[^1].Offset + 1, cancellationToken).WaitAsync(ReadBack, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // They are written, which is what counts. Lists show them when the topic is read again.
        }
    }
}
