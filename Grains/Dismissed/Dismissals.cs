using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Partitions.Running;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Dismissed;

/// <summary>
/// The dismissals of dead letters as every silo knows them: read from the topic of dead letters, and followed as it grows. They are no part
/// of a fold, so checkpoints do not have them, and they outlive a rebuild.
/// </summary>
public sealed partial class Dismissals(Topology topology, IChangeLog log, TimeProvider time, ILogger<Dismissals> logger) : BackgroundService
{
    /// <summary>Dismissals that a silo keeps in memory. Beyond that the oldest dead letters count as not dismissed.</summary>
    internal const int MaxKept = 100_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<DeadLetterId, Dismissal> _byId = [];
    private readonly Dictionary<(string Dataset, TopicPartition Partition), HashSet<long>> _offsets = [];
    private readonly Queue<Dismissal> _oldest = [];
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly Signal _advanced = new();
    private long _next;

    private TopicPartition Topic => new(topology.DeadLetterTopic, 0);

    /// <summary>
    /// The dismissal of a dead letter; null for none. A view's input log is written anew in a rebuild, so there a dismissal is only of what
    /// was written before it.
    /// </summary>
    /// <param name="id">The dead letter, or the first one where it was redriven and failed again.</param>
    /// <param name="writtenAt">The offset of the dead letter in its topic; null where it is not known.</param>
    internal Dismissal? Of(DeadLetterId id, long? writtenAt)
    {
        lock (_gate)
        {
            return _byId.TryGetValue(id, out var dismissal)
                && !(dismissal.Offset < writtenAt && topology.IsWrittenByUs(id.Position.Topic)) ? dismissal : null;
        }
    }

    /// <summary>How many of the records that a partition has set aside and not folded since are dismissed.</summary>
    internal long CountOf(string dataset, TopicPartition partition, SetAsideOffsets open)
    {
        lock (_gate)
            return _offsets.TryGetValue((dataset, partition), out var offsets) ? offsets.Count(open.IsSetAside) : 0;
    }

    /// <summary>Waits until the topic is read up to an offset.</summary>
    internal async Task ReadUpToAsync(long end, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = _advanced.Next;
            if (Volatile.Read(ref _next) >= end)
                return;
            await next.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(stoppingToken);
            }
            catch (Exception error) when (error is OffsetOutOfRangeException or LogChangedException)
            {
                // The topic is another one, or has lost records: from its present beginning on.
                Interlocked.Exchange(ref _next, 0);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // The log is unreachable, or the topic is yet to be created.
                LogNotRead(logger, error);
            }

            await Task.Delay(Pause, time, stoppingToken);
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        var start = (await log.OffsetsAsync(Topic.Topic, stop))[0].Start;
        Advance(Math.Max(start, _next));
        await foreach (var batch in log.ReadAsync(Topic, _next, ReadLimits.Default, cancellationToken: stop))
        {
            foreach (var record in batch.Records)
            {
                if (DismissalFormat.Read(record) is { } dismissal)
                    Add(dismissal);
            }

            Advance(batch.NextOffset);
        }
    }

    private void Advance(long next)
    {
        Volatile.Write(ref _next, next);
        _advanced.Pulse();
    }

    private void Add(Dismissal dismissal)
    {
        lock (_gate)
        {
            var kept = dismissal with { By = Shared(dismissal.By), Reason = Shared(dismissal.Reason) };
            _byId[kept.Id] = kept;
            _oldest.Enqueue(kept);
            var key = (kept.Id.Dataset, kept.Id.Position.TopicPartition);
            if (!_offsets.TryGetValue(key, out var offsets))
                _offsets[key] = offsets = [];
            offsets.Add(kept.Id.Position.Offset);
            while (_oldest.Count > MaxKept)
                Forget(_oldest.Dequeue());
        }
    }

    private void Forget(Dismissal dismissal)
    {
        if (!_byId.TryGetValue(dismissal.Id, out var kept) || kept.Offset != dismissal.Offset)
            return;
        _byId.Remove(dismissal.Id);
        _offsets[(dismissal.Id.Dataset, dismissal.Id.Position.TopicPartition)].Remove(dismissal.Id.Position.Offset);
    }

    /// <summary>Of many that were dismissed at once, name and reason are in memory once.</summary>
    private string Shared(string text)
    {
        if (_texts.TryGetValue(text, out var same))
            return same;
        if (_texts.Count >= MaxKept)
            _texts.Clear();
        return _texts[text] = text;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The dismissals of dead letters could not be read; they are read again in a second.")]
    private static partial void LogNotRead(ILogger logger, Exception error);
}
