using System.Collections.Frozen;
using System.Text;

namespace ActorStreams.Log;

/// <summary>
/// A line through the log: for each partition the first offset that is <em>not</em> included. All that has to do with
/// time is defined on cuts, never on clocks, so a cut gives the same answer for ever (semantics §2).
/// </summary>
public sealed class Cut : IEquatable<Cut>
{
    private readonly FrozenDictionary<TopicPartition, long> _offsets;

    /// <summary>A cut of the given offsets. A partition that is not named is cut at 0: nothing of it is included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An offset is negative.</exception>
    public Cut(IEnumerable<KeyValuePair<TopicPartition, long>> offsets)
    {
        _offsets = offsets.ToFrozenDictionary();
        foreach (var (partition, offset) in _offsets)
        {
            if (offset < 0)
                throw new ArgumentOutOfRangeException(
                    nameof(offsets), $"The cut of {partition} is {offset}, but an offset is never below 0.");
        }
    }

    /// <summary>The cut before the first record of everything.</summary>
    public static Cut Beginning { get; } = new([]);

    /// <summary>The first offset of this partition that the cut leaves out.</summary>
    public long this[TopicPartition partition] => _offsets.GetValueOrDefault(partition);

    /// <summary>The partitions this cut names, with their offsets.</summary>
    public IReadOnlyDictionary<TopicPartition, long> Offsets => _offsets;

    /// <summary>True when the record at this position lies before the cut.</summary>
    public bool Includes(Position position) => position.Offset < this[position.TopicPartition];

    /// <inheritdoc/>
    public bool Equals(Cut? other) => other is not null
        && _offsets.Keys.Union(other._offsets.Keys).All(partition => this[partition] == other[partition]);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Cut);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        _offsets.Where(o => o.Value != 0).Aggregate(0, (hash, o) => hash ^ HashCode.Combine(o.Key, o.Value));

    /// <summary><c>topic/partition:offset</c>, comma separated and sorted, which <see cref="Parse"/> reads back.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (partition, offset) in _offsets.OrderBy(o => o.Key.Topic, StringComparer.Ordinal).ThenBy(o => o.Key.Partition))
            text.Append(text.Length > 0 ? "," : "").Append(new Position(partition.Topic, partition.Partition, offset));
        return text.ToString();
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">A part is not of the form <c>topic/partition:offset</c>, or a
    /// partition is named twice.</exception>
    public static Cut Parse(string text)
    {
        var offsets = new Dictionary<TopicPartition, long>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Position.TryParse(part, null, out var position))
                throw new FormatException($"'{part}' is not a part of a cut: it has the form topic/partition:offset.");
            if (!offsets.TryAdd(position.TopicPartition, position.Offset))
                throw new FormatException($"The cut names {position.TopicPartition} twice.");
        }

        return new(offsets);
    }
}
