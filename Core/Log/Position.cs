namespace ActorStreams.Log;

/// <summary>
/// The place of one record in a change log. Positions are ordered only within one partition.
/// </summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Partition">The partition's number, from 0.</param>
/// <param name="Offset">The record's offset. Offsets grow within a partition, and may have gaps.</param>
public readonly record struct Position(string Topic, int Partition, long Offset)
{
    /// <summary>The partition this position lies in.</summary>
    public TopicPartition TopicPartition => new(Topic, Partition);

    /// <summary><c>topic/partition:offset</c>, which <see cref="TryParse"/> reads back.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Topic}/{Partition}:{Offset}");

    /// <summary>Reads <c>topic/partition:offset</c>, or <c>partition:offset</c> where <paramref name="defaultTopic"/> is given.</summary>
    /// <returns>False when the text has another form, or a number is negative or too large.</returns>
    public static bool TryParse(string? text, string? defaultTopic, out Position position)
    {
        position = default;
        if (text is null)
            return false;
        var slash = text.LastIndexOf('/');
        var topic = slash < 0 ? defaultTopic : text[..slash];
        var rest = text.AsSpan(slash + 1);
        var colon = rest.IndexOf(':');
        if (string.IsNullOrEmpty(topic) || colon <= 0
            || !int.TryParse(rest[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            || !long.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            return false;
        }

        position = new(topic, partition, offset);
        return true;
    }
}

/// <summary>One numbered partition of a topic: the unit of order.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Partition">The partition's number, from 0.</param>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <summary><c>topic/partition</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Topic}/{Partition}");
}
