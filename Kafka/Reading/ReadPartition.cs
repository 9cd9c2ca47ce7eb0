using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;

namespace ActorStreams.Kafka.Reading;

// A consumer can be assigned a partition once only, at one position. So the readers of a partition stand like this:
//
//   at the tail   consumer 0, which readers share: a reader at its position joins it, and receives every record it fetches;
//   with a gap    a consumer of its own: 1 (replay), or one of a few more when another reader of this partition has that; or in line, when
//                 all are taken.
//
// A reader with a gap moves to the tail when it has caught up. A reader whose buffer is full is detached if others share its consumer or
// wait for it, and attached again once drained; if it is alone, its partition is paused. So no reader delays another for long.

/// <summary>One partition's readers, and which consumers serve them.</summary>
internal sealed partial class ReadPartition(TopicPartition partition, ConsumerLoops loops, KafkaOptions options, TimeProvider time)
{
    private const int TailSlot = 0;

    /// <summary>A transaction that ends sooner than this is not reported.</summary>
    private static readonly TimeSpan HeldForLong = TimeSpan.FromSeconds(5);

    private readonly Feed?[] _feeds = new Feed?[2 + options.MaxExtraConsumers];
    private readonly List<PartitionReader> _line = [];
    private readonly Lock _gate = new();
    private long _end = -1;
    private HeldPosition? _held;

    public TopicPartition TopicPartition => partition;

    /// <summary>The end as far as it is known; null when it is not.</summary>
    public long? End => Volatile.Read(ref _end) is >= 0 and var end ? end : null;

    /// <summary>When the end was last seen, as a timestamp of the log's clock.</summary>
    public long EndSeenAt { get; private set; }

    /// <summary>Where its readers are held by an open transaction; null when they are not, or only for a moment.</summary>
    public HeldPosition? Held
    {
        get
        {
            lock (_gate)
                return _held is { } held && time.GetUtcNow() - held.Since >= HeldForLong ? held : null;
        }
    }

    /// <summary>A reader was refused it, since it is another log than the reader had read; its end is still of interest.</summary>
    public bool IsRefused { get; set; }

    public bool HasReaders
    {
        get
        {
            lock (_gate)
                return _line.Count > 0 || Array.Exists(_feeds, feed => feed is not null);
        }
    }

    /// <summary>The end is at least here.</summary>
    public void RaiseEnd(long end)
    {
        EndSeenAt = time.GetTimestamp();
        for (var known = Volatile.Read(ref _end); end > known;)
        {
            var before = Interlocked.CompareExchange(ref _end, end, known);
            if (before == known)
                return;
            known = before;
        }
    }

    /// <summary>Takes an end that was queried: it may be lower than the known one, in a topic that was created again.</summary>
    public void SetEnd(long end)
    {
        EndSeenAt = time.GetTimestamp();
        Volatile.Write(ref _end, end);
    }

    public RecordBatch? Take(PartitionReader reader)
    {
        lock (_gate)
        {
            IsRefused |= reader.IsRefused;
            var batch = reader.Take(Volatile.Read(ref _end));
            if (batch is not null && reader.Feed is { IsPaused: true } feed)
                Settle(feed);
            return batch;
        }
    }

    /// <summary>Waits until there is something to take, or the reader has lost its consumer. False when it has none.</summary>
    public bool TryWait(PartitionReader reader, CancellationToken cancellationToken, out ValueTask waiting)
    {
        lock (_gate)
        {
            var isServed = reader.Feed is not null || reader.IsQueued;
            waiting = isServed && !cancellationToken.IsCancellationRequested ? reader.WaitAsync() : default;
            return isServed;
        }
    }

    public void Wake(PartitionReader reader)
    {
        lock (_gate)
            reader.Wake();
    }

    public void Attach(PartitionReader reader)
    {
        lock (_gate)
        {
            reader.Doubt();
            Place(reader);
        }
    }

    /// <summary>
    /// A feed is about to be assigned. Its consumer has not seen what happened before, so it begins with the record before the position of
    /// each reader. On the consumer's thread.
    /// </summary>
    public long Begin(Feed feed)
    {
        lock (_gate)
        {
            foreach (var reader in feed.Readers)
            {
                reader.Doubt();
                feed.Position = Math.Min(feed.Position, reader.From);
            }

            return feed.Position;
        }
    }

    /// <summary>The topic as the brokers list it: where it is another one than is read, or is gone, its readers query it.</summary>
    public void TopicSeen(string? id, bool isListed)
    {
        Feed[] others;
        lock (_gate)
            others = [.. _feeds.OfType<Feed>().Where(f => !isListed || (f.TopicId is not null && id is not null && f.TopicId != id))];
        foreach (var feed in others)
            Drop(feed, null);
    }

    /// <summary>The reader reads no more.</summary>
    public void Detach(PartitionReader reader)
    {
        lock (_gate)
        {
            reader.IsQueued = false;
            _line.Remove(reader);
            if (reader.Feed is { } feed)
                Leave(feed, reader);
        }
    }

    /// <summary>A record came. On the consumer's thread.</summary>
    public void Add(Feed feed, in ChangeRecord record, int epoch)
    {
        lock (_gate)
        {
            if (feed.IsClosed || record.Offset < feed.Position)
                return;
            feed.Position = record.Offset + 1;
            var isFull = false;
            foreach (var reader in feed.Readers)
            {
                reader.Add(record, epoch);
                isFull |= reader.IsFull;
            }

            if (isFull)
                Settle(feed);
        }
    }

    /// <summary>
    /// Wakes the readers that have new records, and moves those that have caught up to the tail. On the consumer's thread.
    /// </summary>
    public void Flush(Feed feed, long highWatermark)
    {
        RaiseEnd(Math.Max(highWatermark, feed.Position));
        lock (_gate)
        {
            if (feed.IsClosed)
                return;
            foreach (var reader in feed.Readers)
                reader.Wake();
            if (feed.Slot != TailSlot && Volatile.Read(ref _end) - feed.Position <= options.ReplayThresholdRecords / 10)
                MoveToTail(feed);
        }
    }

    /// <summary>There is nothing more before this offset, which is the end. On the consumer's thread.</summary>
    public void EndReached(Feed feed, long offset)
    {
        RaiseEnd(offset);
        lock (_gate)
        {
            if (feed.IsClosed)
                return;
            feed.EndedAt = feed.Position = Math.Max(feed.Position, offset);
            foreach (var reader in feed.Readers)
            {
                reader.SkipTo(offset);
                reader.Wake();
            }

            if (feed.Slot != TailSlot)
                MoveToTail(feed);
        }
    }

    /// <summary>
    /// No record came for a moment, while the brokers have records up to here. All readable ones have been read, so those between belong
    /// to an open transaction. On the consumer's thread.
    /// </summary>
    public void EndSeen(Feed feed, long highWatermark)
    {
        if (highWatermark >= 0)
            RaiseEnd(Math.Max(highWatermark, feed.Position));
        lock (_gate)
        {
            if (feed.IsClosed || feed.IsPaused)
                return;
            if (feed.EndedAt != feed.Position || highWatermark <= feed.Position)
                _held = null;
            else if (_held?.Offset != feed.Position)
                _held = new(feed.Position, time.GetUtcNow());
        }
    }

    /// <summary>The feed has ended. Its readers end with the failure, or move to another consumer if there is none.</summary>
    public void Drop(Feed feed, Exception? failure)
    {
        lock (_gate)
        {
            if (feed.IsClosed)
                return;
            var readers = feed.Readers.ToArray();
            Close(feed);
            foreach (var reader in readers)
            {
                reader.Feed = null;
                reader.Setbacks++;
                if (failure is not null)
                    reader.Fail(failure);
                reader.Wake();
            }
        }
    }

    /// <summary>Ends all readers.</summary>
    public void EndAll(Exception failure)
    {
        lock (_gate)
        {
            foreach (var reader in _line.Concat(_feeds.SelectMany(feed => feed?.Readers ?? [])).ToList())
            {
                reader.Fail(failure);
                reader.Wake();
            }
        }
    }

    /// <summary>Finds a consumer for a reader that has none, or puts it in line.</summary>
    private void Place(PartitionReader reader)
    {
        if (TryTail(reader))
            return;
        for (var slot = TailSlot + 1; slot < _feeds.Length; slot++)
        {
            if (_feeds[slot] is null)
            {
                Open(slot, reader);
                return;
            }
        }

        reader.IsQueued = true;
        _line.Add(reader);

        // A reader whose buffer is full is detached, so that this one gets its consumer.
        if (Array.Find(_feeds, feed => feed is { IsPaused: true } && feed.Slot != TailSlot) is { } paused)
            Settle(paused);
    }

    private bool TryTail(PartitionReader reader)
    {
        var (tail, threshold) = (_feeds[TailSlot], options.ReplayThresholdRecords);
        if (Volatile.Read(ref _end) - reader.Next > threshold)
            return false;
        if (tail is not null && tail.TopicId != reader.Log.Topic)
        {
            LetGo(tail); // of a topic that has been made again since
            tail = null;
        }

        if (tail is not null && tail.Position <= reader.From && reader.Next - tail.Position <= threshold)
        {
            Join(tail, reader);
            return true;
        }

        if (tail is not null && tail.Position > reader.From)
            return false;
        if (tail is not null)
            LetGo(tail); // it has fallen far behind, and is no longer at the tail
        Open(TailSlot, reader);
        return true;
    }

    private void MoveToTail(Feed feed)
    {
        if (feed.Readers is not [{ IsFull: false } reader] || (_feeds[TailSlot] is { } tail && tail.Position > reader.Next))
            return;
        Close(feed);
        reader.Feed = null;
        Place(reader);
        ServeLine();
    }

    private void Open(int slot, PartitionReader reader)
    {
        Feed feed;
        do
            feed = new(this, slot, loops.Get(slot), reader.Log.Topic, reader.From);
        while (!feed.Loop.TryPost(new(FeedStep.Start, feed)));
        _feeds[slot] = feed;
        Join(feed, reader);
    }

    private void Join(Feed feed, PartitionReader reader)
    {
        feed.Readers.Add(reader);
        reader.Feed = feed;
        Settle(feed);
    }
}
