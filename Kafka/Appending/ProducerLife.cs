using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Appending;

// A producer lives until the first thing goes wrong for good:
//
//   Live ──(a delivery fails, a fatal error, an append takes too long, the log is disposed)──► GivenUp ──(destroyed)──► Gone
//
// When it is given up, all appends that are under way on it fail at once, and the next producer is made only when it is gone. That is what
// keeps appends free of gaps: what one producer sends to one partition lands in order or not at all (idempotence), a batch refused for good
// ends it (gapless), no message times out by itself, and nothing is sent by a later producer before its predecessor has stopped.

/// <summary>One producer, and the appends that are under way on it.</summary>
internal sealed class ProducerLife
{
    private readonly Action<ProducerLife, string> _onGivenUp;
    private readonly Action<string, int, long> _onAppended;
    private readonly HashSet<AppendWork> _underWay = [];
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _room;

    /// <summary>Counts what was delivered.</summary>
    private long _deliveries;
    private bool _isGivenUp;

    /// <summary>Makes the producer.</summary>
    /// <param name="clients">What makes it.</param>
    /// <param name="onGivenUp">Told once, with the reason, when it is given up.</param>
    /// <param name="onAppended">Told of each record's topic, partition and offset.</param>
    public ProducerLife(KafkaClients clients, Action<ProducerLife, string> onGivenUp, Action<string, int, long> onAppended)
    {
        (_onGivenUp, _onAppended) = (onGivenUp, onAppended);
        Producer = clients.Producer(error => GiveUp(KafkaFaults.Unavailable("The producer failed", error)));
    }

    public IProducer<byte[], byte[]> Producer { get; }

    /// <summary>Done when the producer is destroyed, and nothing comes of it any more.</summary>
    public Task Gone => _gone.Task;

    /// <summary>How much was delivered so far: to be looked at before <see cref="TryProduce"/>, for <see cref="RoomAsync"/>.</summary>
    public long Deliveries => Interlocked.Read(ref _deliveries);

    /// <summary>
    /// Hands as much of an append to the producer as it takes. False when it is full, and the rest must wait for <see cref="RoomAsync"/>.
    /// </summary>
    public bool TryProduce(AppendWork work)
    {
        lock (_gate)
        {
            if (_isGivenUp && !work.IsDone)
                work.Fail(new LogUnavailableException("The producer was given up while the append waited. Nothing is lost; try again."));
            if (work.IsDone)
                return true;
            _underWay.Add(work);
        }

        try
        {
            while (work.Records is { } records && work.Produced < records.Count)
                work.ProduceNext(this);
        }
        catch (KafkaException error) when (error.Error.Code == ErrorCode.Local_QueueFull)
        {
            return false;
        }
        catch (KafkaException error)
        {
            GiveUp(KafkaFaults.Unavailable($"'{work.Topic}' cannot be appended to", error.Error, error));
        }

        return true;
    }

    /// <summary>Waits until more records have been delivered than these, or the producer is given up.</summary>
    /// <param name="deliveries">What <see cref="Deliveries"/> was before the producer was found full: its last delivery may have come
    /// since, and no other would.</param>
    public Task RoomAsync(long deliveries)
    {
        lock (_gate)
        {
            if (_isGivenUp)
                return Task.CompletedTask;
            var room = _room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            // In this order: a delivery counts first, and then looks whether somebody waits.
            Interlocked.MemoryBarrier();
            return Deliveries == deliveries ? room.Task : Task.CompletedTask;
        }
    }

    public void Delivered(AppendWork work, int index, DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
        {
            GiveUp(KafkaFaults.Unavailable($"An append to {report.Topic}/{report.Partition.Value} failed", report.Error));
            return;
        }

        Interlocked.Increment(ref _deliveries);
        _onAppended(report.Topic, report.Partition.Value, report.Offset.Value);
        var isLast = work.Delivered(index, report.Partition.Value, report.Offset.Value);
        if (!isLast && Volatile.Read(ref _room) is null)
            return;
        TaskCompletionSource? room;
        lock (_gate)
        {
            if (isLast)
                _underWay.Remove(work);
            (room, _room) = (_room, null);
        }

        room?.SetResult();
    }

    /// <summary>The start of the append that is under way the longest; null when there is none.</summary>
    public long? Oldest()
    {
        lock (_gate)
            return _underWay.Count == 0 ? null : _underWay.Min(work => work.StartedAt);
    }

    /// <summary>Fails all that is under way, and destroys the producer.</summary>
    public void GiveUp(LogUnavailableException reason)
    {
        List<AppendWork> failed;
        TaskCompletionSource? room;
        lock (_gate)
        {
            if (_isGivenUp)
                return;
            _isGivenUp = true;
            failed = [.. _underWay];
            _underWay.Clear();
            (room, _room) = (_room, null);
        }

        _onGivenUp(this, reason.Message);
        foreach (var work in failed)
            work.Fail(reason);
        room?.SetResult();

        // Not here: this may be the producer's own thread, which its end waits for. And last: what is half sent must have failed
        // before a successor can be made.
        new Thread(Destroy) { IsBackground = true, Name = "Kafka producer's end" }.Start();
    }

    /// <summary>Waits, for this long at most, until nothing is under way; then destroys the producer.</summary>
    public Task EndAsync(TimeSpan most)
    {
        new Thread(() =>
        {
            Producer.Flush(most);
            GiveUp(new("The log is closed."));
        })
        {
            IsBackground = true,
            Name = "Kafka producer's end",
        }.Start();
        return Gone;
    }

    private void Destroy()
    {
        Producer.Dispose();
        _gone.SetResult();
    }
}
