using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Appending;

// A producer lives until the first thing goes wrong for good:
//
//   Live ──(a failed delivery, a fatal error, a slow append, the log's end, new certificates)──► GivenUp ──(destroyed)──► Gone
//
// When it is given up, all appends that are under way on it fail at once, and the next producer is made only when it is gone. That is what
// keeps appends free of gaps: what one producer sends to one partition lands in order or not at all (idempotence), a batch refused for good
// ends it (gapless), no message times out by itself, and nothing is sent by a later producer before its predecessor has stopped.

/// <summary>One producer, and the appends that are under way on it.</summary>
internal sealed class ProducerLife
{
    private static readonly TimeSpan RetireCheck = TimeSpan.FromMilliseconds(20);

    private readonly Action<ProducerLife, string> _onGivenUp;
    private readonly Action<string, int, long> _onAppended;
    private readonly KafkaClients _clients;
    private readonly BrokerTroubles _troubles;
    private readonly NativeClient<IProducer<byte[], byte[]>> _producer;
    private readonly HashSet<AppendWork> _underWay = [];
    private readonly Lock _gate = new();
    private TaskCompletionSource? _room;
    private ClientSettings _settings;

    /// <summary>Counts what was delivered.</summary>
    private long _deliveries;
    private bool _isGivenUp;

    /// <summary>Makes the producer.</summary>
    /// <param name="clients">What makes it.</param>
    /// <param name="name">What it is called in the log.</param>
    /// <param name="batchBytes">The bytes of a batch at most.</param>
    /// <param name="onGivenUp">Called once, with the reason, when it is given up.</param>
    /// <param name="onAppended">Called with each record's topic, partition and offset.</param>
    public ProducerLife(
        KafkaClients clients, string name, int batchBytes, Action<ProducerLife, string> onGivenUp, Action<string, int, long> onAppended)
    {
        (_onGivenUp, _onAppended, _clients, _troubles, _settings) = (onGivenUp, onAppended, clients, clients.Troubles, clients.Settings);
        _producer = new(
            clients.Producer(name, batchBytes, _settings, error => GiveUp(_troubles.Unavailable("The producer failed", error))));
        if (Volatile.Read(ref _isGivenUp))
            _producer.Close();
    }

    /// <summary>Done when the producer is destroyed, and nothing comes of it any more.</summary>
    public Task Gone => _producer.Destroyed;

    /// <summary>How much was delivered so far: to be read before <see cref="TryProduce"/>, for <see cref="RoomAsync"/>.</summary>
    public long Deliveries => Interlocked.Read(ref _deliveries);

    /// <summary>
    /// Hands as much of an append to the producer as it takes. False when it is full, and the rest must wait for
    /// <see cref="RoomAsync"/>; or when it was given up before it took anything, so that the next producer may.
    /// </summary>
    public bool TryProduce(AppendWork work)
    {
        lock (_gate)
        {
            if (_isGivenUp && work is { IsDone: false, Produced: 0 })
                return false;
            if (_isGivenUp && !work.IsDone)
                work.Fail(new LogUnavailableException("The producer was given up while the append waited. Try again."));
            if (work.IsDone)
                return true;
            _underWay.Add(work);
        }

        if (!_producer.TryEnter(out var producer))
            return true; // given up meanwhile, and the append has failed with it
        try
        {
            while (work.Records is { } records && work.Produced < records.Count)
                work.ProduceNext(producer, this);
        }
        catch (KafkaException error) when (error.Error.Code == ErrorCode.Local_QueueFull)
        {
            if (work.Produced == 0)
                Left(work);
            return false;
        }
        catch (KafkaException error)
        {
            GiveUp(_troubles.Unavailable($"'{work.Topic}' cannot be appended to", error.Error, error));
        }
        finally
        {
            _producer.Exit();
        }

        return true;
    }

    /// <summary>Waits until more records have been delivered than these, or the producer is given up.</summary>
    /// <param name="deliveries">
    /// What <see cref="Deliveries"/> was before the producer was found full: its last delivery may have come since, and no other would.
    /// </param>
    public Task RoomAsync(long deliveries)
    {
        lock (_gate)
        {
            if (_isGivenUp)
                return Gone;
            var room = _room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            // In this order: a delivery is counted first, and then wakes a waiter, if there is one.
            Interlocked.MemoryBarrier();
            return Deliveries == deliveries ? room.Task : Task.CompletedTask;
        }
    }

    public void Delivered(AppendWork work, int index, DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
        {
            DeliveryFailed(work, report);
            return;
        }

        Interlocked.Increment(ref _deliveries);
        _onAppended(report.Topic, report.Partition.Value, report.Offset.Value);
        var isLast = work.Delivered(index, report.Partition.Value, report.Offset.Value);
        if (isLast || Volatile.Read(ref _room) is not null)
            Left(isLast ? work : null);
    }

    /// <summary>The start of the append that is under way the longest; null when there is none.</summary>
    public long? Oldest()
    {
        lock (_gate)
            return _underWay.Count == 0 ? null : _underWay.Min(work => work.StartedAt);
    }

    /// <summary>Takes settings that have changed. False when only a new producer can.</summary>
    public bool TryRenew()
    {
        var settings = _clients.Settings;
        if (settings != _settings && !settings.TryGive(_settings, _producer))
            return false;
        _settings = settings;
        return true;
    }

    /// <summary>Destroys the producer once nothing is under way on it; after this long at most, what is left fails.</summary>
    public async Task RetireAsync(TimeSpan most, TimeProvider time)
    {
        for (var since = time.GetTimestamp(); Oldest() is not null && time.GetElapsedTime(since) < most;)
            await Task.Delay(RetireCheck, time).ConfigureAwait(false);
        GiveUp(_troubles.Unavailable(
            "The brokers did not take an append that was under way when the files of Kafka:Settings changed",
            new(ErrorCode.Local_MsgTimedOut)));
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

        // Last: what is half sent must have failed before a successor can be made. A client may speak before it is fully made.
        _producer?.Close();
    }

    /// <summary>Waits, for this long at most, until nothing is under way; then destroys the producer.</summary>
    public Task EndAsync(TimeSpan most)
    {
        new Thread(() =>
        {
            if (_producer.TryEnter(out var producer))
            {
                producer.Flush(most);
                _producer.Exit();
            }

            GiveUp(new("The log is closed."));
        })
        {
            IsBackground = true,
            Name = "Kafka producer's end",
        }.Start();
        return Gone;
    }

    /// <summary>A topic that is gone concerns those who append to it; anything else may leave a gap, and ends the producer.</summary>
    private void DeliveryFailed(AppendWork work, DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsUnknownTopic())
        {
            work.Fail(KafkaFaults.UnknownTopic(report.Topic));
            Interlocked.Increment(ref _deliveries);
            Left(work);
            return;
        }

        GiveUp(_troubles.Unavailable($"An append to {report.Topic}/{report.Partition.Value} failed", report.Error));
    }

    /// <summary>An append is no longer under way, or the producer has room again.</summary>
    private void Left(AppendWork? work)
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            if (work is not null)
                _underWay.Remove(work);
            (room, _room) = (_room, null);
        }

        room?.SetResult();
    }
}
