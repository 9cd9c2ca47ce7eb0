using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Json;

/// <summary>Whole numbers of any size as JSON numbers: for sums that need more digits than a decimal has.</summary>
internal sealed class BigIntegerConverter : JsonConverter<BigInteger>
{
    /// <summary>Reading a number takes time by the square of its digits.</summary>
    private const int MaxDigits = 4_096;

    public override BigInteger Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && options.NumberHandling.HasFlag(JsonNumberHandling.AllowReadingFromString))
            return Parse(reader.GetString()!);
        if (reader.TokenType != JsonTokenType.Number)
            throw new JsonException($"A {reader.TokenType} is no whole number.");
        return Parse(
            Encoding.UTF8.GetString(
                reader.HasValueSequence ? System.Buffers.BuffersExtensions.ToArray(reader.ValueSequence) : reader.ValueSpan));
    }

    public override void Write(Utf8JsonWriter writer, BigInteger value, JsonSerializerOptions options)
    {
        if (options.NumberHandling.HasFlag(JsonNumberHandling.WriteAsString))
            writer.WriteStringValue(Text(value));
        else
            writer.WriteRawValue(Text(value), skipInputValidation: true);
    }

    public override BigInteger ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString()!);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, BigInteger value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Text(value));

    private static string Text(BigInteger value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        return text.Length <= MaxDigits
            ? text
            : throw new JsonException($"A whole number has {text.Length} digits, but at most {MaxDigits} are taken.");
    }

    private static BigInteger Parse(string text)
    {
        if (text.Length > MaxDigits)
            throw new JsonException($"A whole number has {text.Length} digits, but at most {MaxDigits} are taken.");
        return BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new JsonException($"'{text}' is no whole number.");
    }
}
