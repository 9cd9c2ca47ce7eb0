using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;

namespace ActorStreams.Kafka.Reading;

/// <summary>How readers leave a consumer, and who comes next in line.</summary>
internal sealed partial class ReadPartition
{
    private void Leave(Feed feed, PartitionReader reader)
    {
        feed.Readers.Remove(reader);
        reader.Feed = null;
        if (feed.Readers.Count > 0)
        {
            Settle(feed);
            return;
        }

        Close(feed);
        ServeLine();
    }

    private void LetGo(Feed feed)
    {
        foreach (var reader in feed.Readers)
        {
            reader.Feed = null;
            reader.Wake();
        }

        Close(feed);
    }

    private void Close(Feed feed)
    {
        if (feed.IsClosed)
            return;
        feed.IsClosed = true;
        if (_feeds[feed.Slot] == feed)
            _feeds[feed.Slot] = null;
        feed.Readers.Clear();
        feed.Loop.TryPost(new(FeedStep.Stop, feed));
    }

    private void ServeLine()
    {
        while (_line.Count > 0 && Array.FindIndex(_feeds, TailSlot + 1, feed => feed is null) >= 0)
        {
            var reader = _line[0];
            _line.RemoveAt(0);
            reader.IsQueued = false;
            Place(reader);
        }
    }

    /// <summary>Detaches readers whose buffers are full, pauses the feed of a lone one, and resumes it once that is drained.</summary>
    private void Settle(Feed feed)
    {
        while (feed.Readers.Count > 1 && feed.Readers.Find(reader => reader.IsFull) is { } full)
        {
            feed.Readers.Remove(full);
            full.Feed = null;
            full.Wake();
        }

        var isFull = feed.Readers is [{ IsFull: true }];
        if (isFull && feed.Slot != TailSlot && _line.Count > 0)
        {
            LetGo(feed);
            ServeLine();
        }
        else if (isFull != feed.IsPaused)
        {
            // The client's own pause is not used: a partition that it resumes may be fetched only a second later, unless something else
            // wakes it.
            feed.IsPaused = isFull;
            feed.Loop.TryPost(new(isFull ? FeedStep.Stop : FeedStep.Start, feed));
        }
    }
}
