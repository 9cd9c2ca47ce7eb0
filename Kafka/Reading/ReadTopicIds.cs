using System.Collections.Concurrent;
using ActorStreams.Kafka.Topics;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Reading;

// A consumer fetches a topic by its id (brokers from 3.1 on). When the topic is deleted and made again, it takes the new id out of its
// metadata, and goes on at its offset without an error. It has no call that gives the id, but logs each change of one, on the thread that
// applies it: so before the first fetch under the new id, and long before a record of that fetch comes. Which line it is depends on the
// client's version. Where the line did not come, records are not handed out.

/// <summary>The ids under which one consumer fetches its topics, from what it logs.</summary>
internal sealed class ReadTopicIds
{
    /// <summary>The client's setting <c>debug</c> that makes it log them.</summary>
    public const string Debug = "metadata";

    private const string Before = ": Topic ";
    private const string Between = " changed id from ";
    private const string BeforeNew = " to ";

    private readonly ConcurrentDictionary<string, string> _ids = new(StringComparer.Ordinal);
    private int _changes;

    /// <summary>How often an id has changed.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>The id under which a topic is fetched; null when there is none yet.</summary>
    public string? Of(string topic) => _ids.GetValueOrDefault(topic);

    /// <summary>Takes what the client logs. On the client's own threads, so that it must not throw.</summary>
    public void Take(LogMessage message)
    {
        var text = message.Message.AsSpan();
        var (name, middle) = (text.IndexOf(Before), text.IndexOf(Between));
        if (name < 0 || middle < name)
            return;
        var ids = text[(middle + Between.Length)..];
        var to = ids.IndexOf(BeforeNew);
        if (to < 0)
            return;
        _ids[text[(name + Before.Length)..middle].ToString()] = TopicIds.Text(ids[(to + BeforeNew.Length)..].Trim().ToString()) ?? "";
        Interlocked.Increment(ref _changes);
    }
}
