namespace ActorStreams.Log;

/// <summary>
/// One record of a change log, as bytes. Its memory belongs to its <see cref="RecordBatch"/> and is valid as long as that is.
/// </summary>
public readonly struct ChangeRecord
{
    /// <summary>The record's offset in its partition.</summary>
    public required long Offset { get; init; }

    /// <summary>The record's timestamp, in milliseconds since 1970 UTC.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The key, UTF-8; null when the record has none.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }

    /// <summary>The value; null for a tombstone: the entity ends here.</summary>
    public ReadOnlyMemory<byte>? Value { get; init; }

    /// <summary>The headers, in their order; a name may stand more than once.</summary>
    public IReadOnlyList<RecordHeader> Headers { get => field ?? []; init; }

    /// <summary>True when the record has no value.</summary>
    public bool IsTombstone => Value is null;

    /// <summary>The bytes this record counts for in every bound on bytes: key, value and headers.</summary>
    public int Size => RecordSize.Of(Key, Value, Headers);
}

/// <summary>A named piece of data beside a record's value.</summary>
public readonly record struct RecordHeader(string Name, ReadOnlyMemory<byte> Value);

/// <summary>A record to append. Its partition is chosen by the caller, see <see cref="Partitioner"/>.</summary>
public readonly struct NewRecord
{
    /// <summary>The partition to append to.</summary>
    public required int Partition { get; init; }

    /// <summary>The timestamp, in milliseconds since 1970 UTC.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The key, UTF-8; null when the record has none.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }

    /// <summary>
    /// The value; null for a tombstone. A null <em>array</em> is not null here: it converts to an empty value. Write
    /// <c>(ReadOnlyMemory&lt;byte&gt;?)null</c>.
    /// </summary>
    public ReadOnlyMemory<byte>? Value { get; init; }

    /// <summary>The headers, in their order.</summary>
    public IReadOnlyList<RecordHeader> Headers { get => field ?? []; init; }

    /// <summary>The bytes this record counts for in every bound on bytes: key, value and headers.</summary>
    public int Size => RecordSize.Of(Key, Value, Headers);
}

/// <summary>One measure for records on their way in and out.</summary>
internal static class RecordSize
{
    public static int Of(ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, IReadOnlyList<RecordHeader> headers)
    {
        var size = (key?.Length ?? 0) + (value?.Length ?? 0);
        for (var i = 0; i < headers.Count; i++)
            size += headers[i].Name.Length + headers[i].Value.Length;
        return size;
    }
}
