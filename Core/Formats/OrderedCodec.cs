using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace ActorStreams.Formats;

/// <summary>
/// Values as bytes that sort as the values do, and back. Descending order is the complement of every byte. The bytes end by
/// themselves, so that something else may follow. Stored forms depend on it: never change an encoding.
/// <list type="bullet">
/// <item>int, long: 8 bytes, big-endian, sign bit flipped</item>
/// <item>double: 8 bytes, IEEE bits, all flipped when negative, else the sign bit; -0 is 0, and all NaN are one, which sorts first</item>
/// <item>decimal: 25 bytes, big-endian two's complement of the value times 10^28, sign bit flipped; 1.0 and 1.00 are one value</item>
/// <item>DateTimeOffset: UTC ticks as a long; the offset is dropped</item>
/// <item>string: UTF-8, each 00 as 00 FF, closed by 00 00</item>
/// </list>
/// </summary>
internal abstract class OrderedCodec<T>
{
    internal static OrderedCodec<T> Instance { get; } = OrderedCodec.For<T>();

    internal byte[] Encode(T value, bool descending)
    {
        var bytes = Encode(value);
        if (descending)
            OrderedCodec.Complement(bytes);
        return bytes;
    }

    internal T Decode(ReadOnlySpan<byte> bytes, bool descending, out int length)
    {
        if (!descending)
            return Decode(bytes, out length);
        var copy = bytes.ToArray();
        OrderedCodec.Complement(copy);
        return Decode(copy, out length);
    }

    private protected abstract byte[] Encode(T value);

    private protected abstract T Decode(ReadOnlySpan<byte> bytes, out int length);
}

internal static class OrderedCodec
{
    internal static OrderedCodec<T> For<T>()
    {
        object? codec = Type.GetTypeCode(typeof(T)) switch
        {
            TypeCode.Int32 => new Number<int>(value => value, bits => (int)bits),
            TypeCode.Int64 => new Number<long>(value => value, bits => bits),
            TypeCode.Double => new Number<double>(
                value =>
                    FlipNegative(BitConverter.DoubleToInt64Bits(Same(value))), bits => BitConverter.Int64BitsToDouble(FlipNegative(bits))),
            TypeCode.Decimal => new Decimals(),
            TypeCode.String => new Strings(),
            _ when typeof(T) == typeof(DateTimeOffset) =>
                new Number<DateTimeOffset>(value => value.UtcTicks, ticks => new(ticks, TimeSpan.Zero)),
            _ => null,
        };
        return (OrderedCodec<T>?)codec ?? throw new NotSupportedException(
            $"A reduction cannot rank or count values of type {typeof(T).Name}. "
            + "It takes int, long, decimal, double, string and DateTimeOffset.");
    }

    internal static void Complement(Span<byte> bytes)
    {
        foreach (ref var b in bytes)
            b = (byte)~b;
    }

    /// <summary>One double for values that are the same: both zeros, and every NaN.</summary>
    private static double Same(double value) => value == 0 ? 0 : double.IsNaN(value) ? double.NaN : value;

    /// <summary>Makes IEEE bits sort as signed integers: the magnitude of a negative number counts backwards.</summary>
    private static long FlipNegative(long bits) => bits < 0 ? bits ^ long.MaxValue : bits;

    private sealed class Number<T>(Func<T, long> toBits, Func<long, T> fromBits) : OrderedCodec<T>
    {
        private protected override byte[] Encode(T value)
        {
            var bytes = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(bytes, toBits(value) ^ long.MinValue);
            return bytes;
        }

        private protected override T Decode(ReadOnlySpan<byte> bytes, out int length)
        {
            length = sizeof(long);
            return fromBits(BinaryPrimitives.ReadInt64BigEndian(bytes) ^ long.MinValue);
        }
    }

    private sealed class Decimals : OrderedCodec<decimal>
    {
        private const int Length = 25;
        private static readonly BigInteger Scale = BigInteger.Pow(10, 28);

        private protected override byte[] Encode(decimal value)
        {
            var whole = decimal.Truncate(value);
            // The fraction times 10^28 is whole, and below 10^28: no digit is lost.
            var scaled = (new BigInteger(whole) * Scale) + new BigInteger((value - whole) * 1e28m);
            var bytes = new byte[Length];
            bytes.AsSpan().Fill(scaled.Sign < 0 ? (byte)0xFF : (byte)0);
            var count = scaled.GetByteCount();
            scaled.TryWriteBytes(bytes.AsSpan(Length - count), out _, isBigEndian: true);
            bytes[0] ^= 0x80;
            return bytes;
        }

        private protected override decimal Decode(ReadOnlySpan<byte> bytes, out int length)
        {
            length = Length;
            Span<byte> copy = stackalloc byte[Length];
            bytes[..Length].CopyTo(copy);
            copy[0] ^= 0x80;
            var whole = BigInteger.DivRem(new BigInteger(copy, isBigEndian: true), Scale, out var fraction);
            return (decimal)whole + ((decimal)fraction / 1e28m);
        }
    }

    private sealed class Strings : OrderedCodec<string>
    {
        private protected override byte[] Encode(string value)
        {
            var bytes = new List<byte>(value.Length + 2);
            foreach (var b in Encoding.UTF8.GetBytes(value))
            {
                bytes.Add(b);
                if (b == 0)
                    bytes.Add(0xFF);
            }

            bytes.AddRange([0, 0]);
            return [.. bytes];
        }

        private protected override string Decode(ReadOnlySpan<byte> bytes, out int length)
        {
            var value = new List<byte>();
            for (length = 0; bytes[length] != 0 || bytes[length + 1] != 0; length++)
            {
                value.Add(bytes[length]);
                if (bytes[length] == 0)
                    length++;
            }

            length += 2;
            return Encoding.UTF8.GetString([.. value]);
        }
    }
}
