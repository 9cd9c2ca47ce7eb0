using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using ActorStreams.Log;

namespace ActorStreams.Storage.Sqlite.Log;

// The bytes of one row: a 4-byte CRC-32C (little endian) of base offset, count and all that follows; then the records, packed:
//
//   varint  timestamp, zigzag, as the difference from the record before (the first: from 0)
//   varint  key length + 1, or 0 for no key;       key bytes
//   varint  value length + 1, or 0 for a tombstone; value bytes
//   varint  number of headers; each: varint name length, name (UTF-8), varint value length, value bytes
//
// Offsets are not stored: they are dense from the row's base offset on.

/// <summary>Some records of one partition as they are stored: from <see cref="Base"/> up to, and without, <see cref="Next"/>.</summary>
internal readonly record struct LogRow(long Base, long Next, byte[] Bytes)
{
    public const int ChecksumBytes = 4;

    public int Count => (int)(Next - Base);

    /// <summary>The checksum. It covers the offsets too, so that a row under the wrong key is noticed.</summary>
    public static uint Checksum(long from, long next, ReadOnlySpan<byte> bytes)
    {
        var crc = BitOperations.Crc32C(BitOperations.Crc32C(~0u, (ulong)from), (ulong)next);
        var records = bytes[ChecksumBytes..];
        for (; records.Length >= sizeof(ulong); records = records[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(records));
        foreach (var b in records)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    /// <summary>Whether the bytes are those that were written.</summary>
    public bool IsWhole =>
        Bytes?.Length > ChecksumBytes && Next > Base && BinaryPrimitives.ReadUInt32LittleEndian(Bytes) == Checksum(Base, Next, Bytes);
}

/// <summary>Packs records into a row.</summary>
internal sealed class LogRowBuilder(int maxRowBytes)
{
    // A varint of 64 bits takes 10 bytes; one of 32 bits takes 5.
    private const int MaxFixedBytes = 10 + 5 + 5 + 5;

    private byte[] _bytes = new byte[1024];
    private int _length = LogRow.ChecksumBytes;
    private long _timestamp;

    public long Base { get; private set; }

    public int Count { get; private set; }

    /// <summary>Starts a new row.</summary>
    public void Start(long baseOffset) => (Base, Count, _length, _timestamp) = (baseOffset, 0, LogRow.ChecksumBytes, 0);

    /// <summary>Adds a record, unless the row would become too large. An empty row accepts any record.</summary>
    public bool TryAdd(in NewRecord record)
    {
        var most = MostBytes(record);
        if (Count > 0 && _length + most > maxRowBytes)
            return false;
        if (_length + most > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_length + most, 2 * _bytes.Length));
        var delta = unchecked(record.Timestamp - _timestamp);
        WriteVarint((ulong)((delta << 1) ^ (delta >> 63)));
        WriteOptional(record.Key);
        WriteOptional(record.Value);
        WriteHeaders(record.Headers);
        _timestamp = record.Timestamp;
        Count++;
        return true;
    }

    /// <summary>The finished row, in bytes of its own.</summary>
    public LogRow Seal()
    {
        var row = new LogRow(Base, Base + Count, _bytes.AsSpan(0, _length).ToArray());
        BinaryPrimitives.WriteUInt32LittleEndian(row.Bytes, LogRow.Checksum(row.Base, row.Next, row.Bytes));
        if (_bytes.Length > 2 * maxRowBytes)
            _bytes = new byte[1024]; // one huge record must not hold its memory for ever
        return row;
    }

    private static int MostBytes(in NewRecord record)
    {
        var most = MaxFixedBytes + (record.Key?.Length ?? 0) + (record.Value?.Length ?? 0);
        var headers = record.Headers;
        for (var i = 0; i < headers.Count; i++)
            most += 5 + Encoding.UTF8.GetMaxByteCount(headers[i].Name.Length) + 5 + headers[i].Value.Length;
        return most;
    }

    private void WriteHeaders(IReadOnlyList<RecordHeader> headers)
    {
        WriteVarint((uint)headers.Count);
        for (var i = 0; i < headers.Count; i++)
        {
            WriteVarint((uint)Encoding.UTF8.GetByteCount(headers[i].Name));
            _length += Encoding.UTF8.GetBytes(headers[i].Name, _bytes.AsSpan(_length));
            WriteVarint((uint)headers[i].Value.Length);
            WriteBytes(headers[i].Value.Span);
        }
    }

    private void WriteOptional(ReadOnlyMemory<byte>? value)
    {
        WriteVarint(value is { } present ? (ulong)present.Length + 1 : 0);
        WriteBytes(value.GetValueOrDefault().Span);
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    private void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _bytes[_length++] = (byte)(value | 0x80);
        _bytes[_length++] = (byte)value;
    }
}

/// <summary>Reads a row's records one by one. Keys and values are slices of the row: nothing is copied.</summary>
internal sealed class LogRowCursor(LogRow row)
{
    private readonly byte[] _bytes = row.Bytes;
    private readonly long _next = row.Next;
    private int _at = LogRow.ChecksumBytes;
    private long _timestamp;

    /// <summary>The offset of the record that comes next.</summary>
    public long Offset { get; private set; } = row.Base;

    /// <summary>How many records are left.</summary>
    public int Left => (int)(_next - Offset);

    public ChangeRecord Next()
    {
        var delta = ReadVarint();
        _timestamp = unchecked(_timestamp + ((long)(delta >> 1) ^ -(long)(delta & 1)));
        return new()
        {
            Offset = Offset++,
            Timestamp = _timestamp,
            Key = ReadOptional(),
            Value = ReadOptional(),
            Headers = ReadHeaders(),
        };
    }

    private RecordHeader[] ReadHeaders()
    {
        var count = (int)ReadVarint();
        if (count == 0)
            return [];
        var headers = new RecordHeader[count];
        for (var i = 0; i < count; i++)
            headers[i] = new(Encoding.UTF8.GetString(Take((int)ReadVarint()).Span), Take((int)ReadVarint()));
        return headers;
    }

    private ReadOnlyMemory<byte>? ReadOptional()
    {
        var length = (int)ReadVarint();
        return length == 0 ? (ReadOnlyMemory<byte>?)null : Take(length - 1); // without the cast, null becomes empty memory
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        var slice = _bytes.AsMemory(_at, length);
        _at += length;
        return slice;
    }

    private ulong ReadVarint()
    {
        ulong value = _bytes[_at++];
        if (value < 0x80)
            return value;
        value &= 0x7f;
        for (var shift = 7; ; shift += 7)
        {
            var b = _bytes[_at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
    }
}
