using System.Text;

namespace ActorStreams.Formats;

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
        return value <= int.MaxValue
            ? (int)value
            : throw new InvalidDataException($"The count at byte {_at} is {value}, more than {int.MaxValue}.");
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
