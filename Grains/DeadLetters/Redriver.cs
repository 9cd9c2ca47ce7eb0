using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Appends;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;
using ActorStreams.Protocol;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.DeadLetters;

/// <summary>
/// Appends what was set aside once more to the end of its own partition, where the dataset folds it if the dead letter is still open
/// (<see cref="Redrive"/>). To append twice is harmless, so a redrive whose outcome is unknown is simply made again.
/// </summary>
public sealed partial class Redriver(
    Topology topology, IChangeLog log, RecordAppends appends, DatasetReads reads, DeadLetterReader letters, TimeProvider time,
    ILogger<Redriver> logger)
{
    /// <summary>Dead letters that one call redrives.</summary>
    public const int MaxAtOnce = 1_000;

    /// <summary>The longest that a call waits for what it appended to be folded.</summary>
    public const double MaxWaitSeconds = 30;

    /// <summary>Dead letters that a call looks through for those that are open.</summary>
    private const int MaxScanned = 20_000;

    /// <summary>Bytes of originals after which a call leaves the rest to the next one.</summary>
    private const long MaxPlannedBytes = 16 << 20;

    /// <summary>Bytes appended at once.</summary>
    private const int MaxAppendBytes = 1 << 20;

    private static readonly long MaxTimestamp = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>Redrives dead letters by their ids; up to <see cref="MaxAtOnce"/>.</summary>
    /// <param name="ids">The dead letters.</param>
    /// <param name="dismissed">Also those that are dismissed. They are folded as any other, and only once.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="waitSeconds">How long to wait for them to be folded.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<RedrivePlan> RedriveAsync(
        IReadOnlyCollection<DeadLetterId> ids, bool dismissed, bool dryRun, double waitSeconds, CancellationToken cancellationToken)
    {
        var (found, plan) = (await letters.FindAsync(ids, cancellationToken), new RedrivePlan());
        var roots = new Dictionary<DeadLetterId, StoredDeadLetter?>();
        foreach (var id in ids)
        {
            var letter = found.GetValueOrDefault(id);
            roots.TryAdd(letter?.Root ?? id, letter);
        }

        foreach (var (id, (state, refusal)) in await letters.StatesAsync(roots.Keys, dismissed, cancellationToken))
            plan.Plan(id, roots[id], state, refusal ?? roots[id]?.Hopeless);
        await RunAsync(plan, dryRun, waitSeconds, cancellationToken);
        return plan;
    }

    /// <summary>Redrives what is open, oldest first, from an offset of the topic of dead letters on.</summary>
    /// <param name="dataset">Only dead letters of this dataset; all when null.</param>
    /// <param name="from">Where to begin: 0, or what the call before gave as next.</param>
    /// <param name="until">Where to end: what the first call gave as end, so that what fails again meanwhile is not redriven over and over.
    /// The end of the topic when null.</param>
    /// <param name="limit">How many, up to <see cref="MaxAtOnce"/>.</param>
    /// <param name="dryRun">Only say what would be done.</param>
    /// <param name="waitSeconds">How long to wait for it to be folded.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<RedrivePlan> RedriveOpenAsync(
        string? dataset, long from, long? until, int limit, bool dryRun, double waitSeconds, CancellationToken cancellationToken)
    {
        var (plan, scanned, seen) = (new RedrivePlan(), 0, new HashSet<DeadLetterId>());
        await foreach (var (window, next, end) in letters.AscendAsync(from, until, cancellationToken))
        {
            plan.End = end;
            scanned += window.Count;
            foreach (var status in await letters.StatusAsync(
                [.. window.Where(letter => (dataset is null || letter.Id.Dataset == dataset) && seen.Add(letter.Root))], cancellationToken))
            {
                if (plan.Planned.Count == limit || plan.PlannedBytes > MaxPlannedBytes)
                {
                    plan.Next = status.Letter.Offset;
                    break;
                }

                // A filter passes by what is dismissed: that needs its id and a word.
                if (status.State != DeadLetterState.Dismissed)
                    plan.Plan(status.Letter.Root, status.Letter, status.State, status.Refusal);
            }

            if (plan.Next is not null)
                break;
            if (scanned >= MaxScanned && next < end)
            {
                plan.Next = next;
                break;
            }
        }

        await RunAsync(plan, dryRun, waitSeconds, cancellationToken);
        return plan;
    }

    private async Task RunAsync(RedrivePlan plan, bool dryRun, double waitSeconds, CancellationToken cancellationToken)
    {
        if (dryRun || plan.Planned.Count == 0)
            return;
        foreach (var topic in plan.Planned.GroupBy(planned => planned.Id.Position.Topic))
            await AppendAsync(
                topic.Key, [.. topic.OrderBy(planned => planned.Id.Position.Partition).ThenBy(planned => planned.Id.Position.Offset)],
                plan, cancellationToken);
        plan.Planned.RemoveAll(planned => planned.Position is null);
        LogRedriven(logger, plan.Planned.Count, plan.Done.Count, plan.Refused.Count);
        await WaitAsync(plan, TimeSpan.FromSeconds(waitSeconds), cancellationToken);
    }

    /// <summary>Appends in the order of the originals, a bounded number of bytes at once.</summary>
    private async Task AppendAsync(string topic, List<PlannedRedrive> members, RedrivePlan plan, CancellationToken cancellationToken)
    {
        var (records, owners, bytes) = (new List<NewRecord>(), new List<PlannedRedrive>(), 0L);
        foreach (var planned in members)
        {
            if (await RecordOfAsync(planned, cancellationToken) is not { } record)
            {
                plan.Refused.Add(
                    (planned.Id, $"The record at {planned.Id.Position} is no longer kept, and the dead letter holds only the beginning of "
                        + "it. Append it anew."));
                continue;
            }

            if (records.Count > 0 && bytes + record.Size > MaxAppendBytes)
                await SendAsync();
            records.Add(record);
            owners.Add(planned);
            bytes += record.Size;
        }

        await SendAsync();

        async Task SendAsync()
        {
            if (records.Count == 0)
                return;
            try
            {
                var positions = await appends.AppendAsync(topic, records, cancellationToken);
                foreach (var (planned, position) in owners.Zip(positions))
                    (planned.Position, planned.Outcome) = (position, RedriveOutcome.Pending);
            }
            catch (RequestRefusedException refused)
            {
                plan.Refused.AddRange(owners.Select(planned => (planned.Id, refused.Message)));
            }

            records.Clear();
            owners.Clear();
            bytes = 0;
        }
    }

    /// <summary>From the dead letter, which is complete unless it is large; else from its position in the log.</summary>
    private async Task<NewRecord?> RecordOfAsync(PlannedRedrive planned, CancellationToken cancellationToken)
    {
        if (planned.Letter is { IsComplete: true } letter)
            return New(planned.Id, letter.Timestamp, letter.KeyBytes is { } key
                ? key
                : default(ReadOnlyMemory<byte>?), letter.Value is { } value ? value : default(ReadOnlyMemory<byte>?), letter.Headers);
        foreach (var position in new[] { planned.Id.Position, planned.Letter?.Id.Position ?? planned.Id.Position }.Distinct())
        {
            try
            {
                await foreach (var batch in log.ReadRangeAsync(
                    position.TopicPartition, position.Offset, position.Offset + 1, new(1, int.MaxValue), cancellationToken))
                {
                    if (batch.Records is [var record])
                        return New(planned.Id, record.Timestamp, record.Key, record.Value, record.Headers);
                }
            }
            catch (OffsetOutOfRangeException)
            {
                // No longer kept. The copy that failed again may be.
            }
        }

        return null;
    }

    /// <summary>The original's own time, so that the fold sees the same; where it had none that can be, the present.</summary>
    private NewRecord New(
        DeadLetterId id, long timestamp, ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, IReadOnlyList<RecordHeader> headers) =>
            new()
        {
            Partition = id.Position.Partition,
            Timestamp = timestamp is > 0 && timestamp <= MaxTimestamp ? timestamp : time.GetUtcNow().ToUnixTimeMilliseconds(),
            Key = key,
            Value = value,
            Headers = [.. Redrive.Original(headers), Redrive.HeaderOf(id)],
        };

    private async Task WaitAsync(RedrivePlan plan, TimeSpan patience, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        foreach (var partition in plan.Planned.GroupBy(planned => (planned.Id.Dataset, planned.Id.Position.Partition)))
        {
            if (!topology.TryGet(partition.Key.Dataset, out var dataset))
                continue;
            try
            {
                var left = patience - time.GetElapsedTime(begun);
                if (!await reads.RoutedAsync(
                    dataset, partition.Key.Partition, partition.Max(planned => planned.Position!.Value.Offset),
                    left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken))
                    continue;
                var states = await letters.StatesAsync(
                    [.. partition.Select(planned => planned.Id)], withDismissed: true, cancellationToken);
                foreach (var planned in partition)
                {
                    planned.Outcome = states[planned.Id].State == DeadLetterState.Folded
                        ? RedriveOutcome.Folded
                        : RedriveOutcome.FailedAgain;
                }
            }
            catch (Exception error) when (Refusals.Of(error) is not null)
            {
                // It is appended, which is what counts. It is folded when the partition answers again.
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Redriven: {Appended} dead letters were appended again; {Done} were folded already, {Refused} were refused.")]
    private static partial void LogRedriven(ILogger logger, int appended, int done, int refused);
}
