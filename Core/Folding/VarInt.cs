using System.Buffers;
using System.Text;

namespace ActorStreams.Folding;

/// <summary>Numbers in base-128, low groups first, and texts and bytes after their length.</summary>
internal static class VarInt
{
    private const int MaxBytes = 10;

    internal static void WriteVarInt(this ArrayBufferWriter<byte> writer, ulong value)
    {
        var span = writer.GetSpan(MaxBytes);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        writer.Advance(length);
    }

    internal static void WriteSigned(this ArrayBufferWriter<byte> writer, long value) => writer.WriteVarInt((ulong)((value << 1) ^ (value >> 63)));

    internal static void WriteBytes(this ArrayBufferWriter<byte> writer, ReadOnlySpan<byte> bytes)
    {
        writer.WriteVarInt((ulong)bytes.Length);
        writer.Write(bytes);
    }

    internal static void WriteText(this ArrayBufferWriter<byte> writer, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        writer.WriteVarInt((ulong)length);
        writer.Advance(Encoding.UTF8.GetBytes(text, writer.GetSpan(length)));
    }
}

/// <summary>Reads what <see cref="VarInt"/> wrote.</summary>
/// <exception cref="InvalidDataException">By every member: the bytes end too early, or are of another form.</exception>
internal ref struct VarIntReader(ReadOnlyMemory<byte> memory)
{
    private readonly ReadOnlySpan<byte> _span = memory.Span;
    private int _at;

    internal readonly bool AtEnd => _at >= _span.Length;

    /// <summary>What has not been read yet.</summary>
    internal readonly ReadOnlyMemory<byte> Rest => memory[_at..];

    internal byte ReadByte() => _at < _span.Length ? _span[_at++] : throw Truncated();

    internal ulong ReadVarInt()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = ReadByte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }

        throw new InvalidDataException($"The number at byte {_at} is longer than 64 bits.");
    }

    internal int ReadCount()
    {
        var value = ReadVarInt();
        return value <= int.MaxValue ? (int)value : throw new InvalidDataException($"The count at byte {_at} is {value}, more than {int.MaxValue}.");
    }

    internal long ReadSigned()
    {
        var value = ReadVarInt();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    internal ReadOnlyMemory<byte> ReadBytes()
    {
        var length = ReadCount();
        if (length > _span.Length - _at)
            throw Truncated();
        _at += length;
        return memory.Slice(_at - length, length);
    }

    internal string ReadText() => Encoding.UTF8.GetString(ReadBytes().Span);

    private readonly InvalidDataException Truncated() => new($"The data ends at byte {_span.Length}, in the middle of something.");
}
