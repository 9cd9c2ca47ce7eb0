using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;

namespace ActorStreams.Grains.DeadLetters;

/// <summary>Reads the topic of dead letters, with the present state of each. Every call reads a bounded number of records.</summary>
public sealed class DeadLetterReader(Topology topology, IChangeLog log, DatasetReads reads, Dismissals dismissals)
{
    /// <summary>Dead letters on a page.</summary>
    public const int MaxPage = 200;

    /// <summary>Records that a page looks through for those that its filter lets pass.</summary>
    public const int MaxScanned = 10_000;

    /// <summary>Records, from the newest back, among which dead letters are looked for by their ids.</summary>
    public const int MaxSought = 100_000;

    private const int Window = 500;

    /// <summary>Fewer where the originals are wanted, each of which may have 128 KiB.</summary>
    private const int WindowWithOriginals = 100;

    private TopicPartition Topic => new(topology.DeadLetterTopic, 0);

    /// <summary>A page, newest first. A dead letter that was written twice is listed once.</summary>
    /// <param name="dataset">Only those of this dataset.</param>
    /// <param name="state">Only those in this state.</param>
    /// <param name="before">Only those before this offset of the topic; the end when null.</param>
    /// <param name="limit">How many, up to <see cref="MaxPage"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<StoredDeadLetterPage> PageAsync(
        string? dataset, DeadLetterState? state, long? before, int limit, CancellationToken cancellationToken)
    {
        var range = (await log.OffsetsAsync(Topic.Topic, cancellationToken))[0];
        var (at, found, seen) =
            (Math.Clamp(before ?? range.End, range.Start, range.End), new List<DeadLetterStatus>(), new HashSet<DeadLetterId>());
        for (var last = Math.Max(range.Start, at - MaxScanned); at > last;)
        {
            var from = Math.Max(last, at - Window);
            var letters = (await ReadAsync(from, at, withOriginals: false, cancellationToken))
                .Where(letter => (dataset is null || letter.Id.Dataset == dataset) && seen.Add(letter.Id)).Reverse().ToList();
            foreach (var one in await StatusAsync(letters, cancellationToken))
            {
                if (state is not null && one.State != state)
                    continue;
                found.Add(one);
                if (found.Count == limit)
                    return new(found, one.Letter.Offset > range.Start ? one.Letter.Offset : null, range);
            }

            at = from;
        }

        return new(found, at > range.Start ? at : null, range);
    }

    /// <summary>Dead letters by their ids, looked for among the newest <see cref="MaxSought"/>.</summary>
    public async Task<Dictionary<DeadLetterId, StoredDeadLetter>> FindAsync(
        IReadOnlyCollection<DeadLetterId> ids, CancellationToken cancellationToken)
    {
        var range = (await log.OffsetsAsync(Topic.Topic, cancellationToken))[0];
        var (found, sought) = (new Dictionary<DeadLetterId, StoredDeadLetter>(), ids.ToHashSet());
        for (var (at, last) = (range.End, Math.Max(range.Start, range.End - MaxSought)); at > last && found.Count < sought.Count;)
        {
            var from = Math.Max(last, at - WindowWithOriginals);
            foreach (var letter in (await ReadAsync(from, at, withOriginals: true, cancellationToken))
                .Where(letter => sought.Contains(letter.Id)))
                found[letter.Id] = letter;
            at = from;
        }

        return found;
    }

    /// <summary>
    /// The dead letters from an offset on, oldest first, window by window; each window with the offset at which the next begins.
    /// </summary>
    public async IAsyncEnumerable<(IReadOnlyList<StoredDeadLetter> Letters, long Next, long End)> AscendAsync(
        long from, long? until, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var range = (await log.OffsetsAsync(Topic.Topic, cancellationToken))[0];
        var end = Math.Min(until ?? range.End, range.End);
        for (var at = Math.Max(from, range.Start); at < end; at += WindowWithOriginals)
        {
            var to = Math.Min(at + WindowWithOriginals, end);
            yield return (await ReadAsync(at, to, withOriginals: true, cancellationToken), to, end);
        }
    }

    /// <summary>What has become of each, in the order given.</summary>
    public async Task<IReadOnlyList<DeadLetterStatus>> StatusAsync(
        IReadOnlyList<StoredDeadLetter> letters, CancellationToken cancellationToken)
    {
        var states = await AskAllAsync([.. letters.Select(letter => letter.Root)], cancellationToken);
        return
        [
            .. letters.Select(letter =>
            {
                var (state, refusal) = Dismiss(letter.Root, letter.Offset, states[letter.Root], out var dismissal);
                return new DeadLetterStatus(letter, state, letter.Hopeless ?? refusal, dismissal);
            }),
        ];
    }

    /// <summary>For each id its state, and why it cannot be redriven; null where it can.</summary>
    /// <param name="ids">The dead letters.</param>
    /// <param name="withDismissed">Whether one that is dismissed is like any other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Dictionary<DeadLetterId, (DeadLetterState State, string? Refusal)>> StatesAsync(
        IReadOnlyCollection<DeadLetterId> ids, bool withDismissed, CancellationToken cancellationToken) =>
        (await AskAllAsync(ids, cancellationToken)).ToDictionary(
            one => one.Key, one => withDismissed ? one.Value : Dismiss(one.Key, null, one.Value, out _));

    /// <summary>What is folded is folded, dismissed or not. Of all else a dismissal decides.</summary>
    private (DeadLetterState State, string? Refusal) Dismiss(
        DeadLetterId root, long? writtenAt, (DeadLetterState State, string? Refusal) known, out Dismissal? dismissal)
    {
        dismissal = known.State == DeadLetterState.Folded ? null : dismissals.Of(root, writtenAt);
        if (dismissal is null)
            return known;
        return (DeadLetterState.Dismissed, known.State == DeadLetterState.Open
            ? "It is dismissed. To have it folded after all, redrive it by its id with dismissed: true." : known.Refusal);
    }

    private async Task<Dictionary<DeadLetterId, (DeadLetterState State, string? Refusal)>> AskAllAsync(
        IReadOnlyCollection<DeadLetterId> ids, CancellationToken cancellationToken)
    {
        var states = new Dictionary<DeadLetterId, (DeadLetterState, string?)>();
        var askable = new List<(Dataset Dataset, DeadLetterId Id)>();
        foreach (var id in ids.Distinct())
        {
            if (RefusalOf(id, out var dataset) is { } refusal)
                states[id] = (DeadLetterState.Unknown, refusal);
            else
                askable.Add((dataset!, id));
        }

        var asked = askable.GroupBy(one => (one.Dataset, one.Id.Position.Partition)).Select(async group =>
        {
            var members = group.Select(one => one.Id).ToList();
            return members.Zip(
                await AskAsync(group.Key.Dataset, group.Key.Partition, [.. members.Select(id => id.Position.Offset)], cancellationToken));
        });
        foreach (var (id, state) in (await Task.WhenAll(asked)).SelectMany(pairs => pairs))
            states[id] = state;
        return states;
    }

    /// <summary>Why a dead letter can never be redriven; null for one that may be.</summary>
    private string? RefusalOf(DeadLetterId id, out Dataset? dataset)
    {
        if (!topology.TryGet(id.Dataset, out dataset))
            return $"There is no dataset '{id.Dataset}' any more.";
        if (dataset.Kind == DatasetKind.View)
            return "It is a change of a view. Told after later ones, it would break the order that views may count on. "
                + "Mend the definition and raise its version: it is folded again beside the old one.";
        if (id.Position.Topic != dataset.Topic)
            return $"The {dataset} is not folded from '{id.Position.Topic}'.";
        return id.Position.Partition < dataset.Partitions
            ? null
            : $"'{dataset.Topic}' has {dataset.Partitions} partitions, numbered from 0.";
    }

    private async Task<IEnumerable<(DeadLetterState, string?)>> AskAsync(
        Dataset dataset, int partition, IReadOnlyList<long> offsets, CancellationToken cancellationToken)
    {
        try
        {
            return (await reads.DeadLettersAsync(dataset, partition, offsets, cancellationToken)).Select(state => (state, state switch
            {
                DeadLetterState.Open => null,
                DeadLetterState.Folded => "It has been folded since.",
                _ => "The partition no longer remembers whether it was folded since. "
                    + "A rebuild folds it, if the definitions do: actorstreams rebuild.",
            }));
        }
        catch (Exception error) when (Refusals.Of(error) is not null)
        {
            return offsets.Select(_ => (DeadLetterState.Unknown, (string?)$"The partition does not answer: {error.Message}"));
        }
    }

    private async Task<IReadOnlyList<StoredDeadLetter>> ReadAsync(
        long from, long to, bool withOriginals, CancellationToken cancellationToken)
    {
        var letters = new List<StoredDeadLetter>();
        await foreach (var batch in log.ReadRangeAsync(Topic, from, to, ReadLimits.Default, cancellationToken))
        {
            foreach (var record in batch.Records)
            {
                if (DeadLetterFormat.Read(record, withOriginals) is { } letter)
                    letters.Add(letter);
            }
        }

        return letters;
    }
}

/// <summary>A dead letter and what has become of it.</summary>
/// <param name="Letter">The dead letter.</param>
/// <param name="State">Its state.</param>
/// <param name="Refusal">Why it is not offered to be redriven; null where it is.</param>
/// <param name="Dismissal">Who dismissed it, when and why; null unless it is dismissed.</param>
public sealed record DeadLetterStatus(StoredDeadLetter Letter, DeadLetterState State, string? Refusal, Dismissal? Dismissal);

/// <summary>A page of dead letters as they are stored.</summary>
/// <param name="Items">The dead letters, newest first.</param>
/// <param name="Next">Before which offset the next page begins; null when there is none.</param>
/// <param name="Range">The offsets that the topic holds.</param>
public sealed record StoredDeadLetterPage(IReadOnlyList<DeadLetterStatus> Items, long? Next, OffsetRange Range);
