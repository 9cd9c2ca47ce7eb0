using System.Buffers;
using System.Text;

namespace ActorStreams.Formats;

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

    internal static void WriteSigned(this ArrayBufferWriter<byte> writer, long value) =>
        writer.WriteVarInt((ulong)((value << 1) ^ (value >> 63)));

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
