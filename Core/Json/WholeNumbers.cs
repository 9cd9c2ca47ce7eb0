using System.Buffers;
using System.Text;
using System.Text.Json;

namespace ActorStreams.Json;

/// <summary>
/// Whole numbers as JavaScript and Python write them: <c>1.0</c>, <c>1e3</c>. They are what JSON says a whole number may be, but
/// System.Text.Json takes neither for an int. A value that cannot be decoded is rewritten with plain whole numbers, and decoded again; one
/// that can costs nothing.
/// </summary>
internal static class WholeNumbers
{
    /// <summary>The same JSON with every number that is whole written plainly; null when there is none to rewrite.</summary>
    internal static byte[]? Rewrite(ReadOnlySpan<byte> json)
    {
        var buffer = new ArrayBufferWriter<byte>(json.Length);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var copied = 0;
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.Number || Plain(reader.ValueSpan) is not { } plain)
                    continue;
                var start = (int)reader.TokenStartIndex;
                buffer.Write(json[copied..start]);
                buffer.Write(Encoding.UTF8.GetBytes(plain));
                copied = start + reader.ValueSpan.Length;
            }
        }
        catch (JsonException)
        {
            return null; // not JSON: the first error says why
        }

        if (copied == 0)
            return null;
        buffer.Write(json[copied..]);
        return buffer.WrittenSpan.ToArray();
    }

    private static string? Plain(ReadOnlySpan<byte> number)
    {
        if (number.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0)
            return null;
        var text = Encoding.UTF8.GetString(number);
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && ExactDecimal.IsExactly(value, text)
            && PlainDecimalConverter.Plain(value) is { Scale: 0 } whole
            ? (whole == 0 && text[0] == '-' ? "-0" : whole.ToString(CultureInfo.InvariantCulture))
            : null;
    }
}
