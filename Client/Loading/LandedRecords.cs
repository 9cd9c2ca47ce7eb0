using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>
/// Which records of a chunk are in the topic. All records of a key go to one partition and keep their order there, and what a
/// failed append leaves is a beginning of each partition's records; so of each key it is the first n, and a count a key is enough.
/// </summary>
internal sealed class LandedRecords(string topic, IReadOnlyList<AppendRecord> chunk, JsonSerializerOptions options)
{
    private readonly Dictionary<string, List<AppendRecord>> _byKey = chunk.GroupBy(r => r.Key).ToDictionary(g => g.Key, g => g.ToList());
    private readonly Dictionary<string, int> _landed = [];

    public int Count { get; private set; }

    public void Reset()
    {
        _landed.Clear();
        Count = 0;
    }

    /// <summary>Takes note of a record found in the topic.</summary>
    public void Add(LogRecord record)
    {
        var key = record.Key ?? "";
        var landed = _landed.GetValueOrDefault(key);
        if (!_byKey.TryGetValue(key, out var sent) || landed == sent.Count || !SameRecord.Is(sent[landed], record, options))
            throw new ForeignRecordException(topic, record.Partition, record.Offset, record.Key);
        _landed[key] = landed + 1;
        Count++;
    }

    /// <summary>The records that are still to be sent, in their order.</summary>
    public IEnumerable<AppendRecord> Missing()
    {
        Dictionary<string, int> seen = [];
        foreach (var record in chunk)
        {
            var number = seen[record.Key] = seen.GetValueOrDefault(record.Key) + 1;
            if (number > _landed.GetValueOrDefault(record.Key))
                yield return record;
        }
    }
}
