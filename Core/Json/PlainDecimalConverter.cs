using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Json;

/// <summary>
/// Decimals without trailing zeros, and without loss. A sum remembers the most digits of all that was ever added, also what was taken back
/// since: 1.5 + 2.25 - 2.25 is 1.50. So equal sums would be stored as different texts, by the order in which changes came. A number that a
/// decimal cannot hold exactly (28 to 29 digits, of which at most 28 follow the point) is refused when it is read.
/// </summary>
internal sealed class PlainDecimalConverter : JsonConverter<decimal>
{
    /// <summary>Dividing by it leaves the value, and no trailing zeros.</summary>
    private const decimal One = 1.0000000000000000000000000000m;

    [ThreadStatic]
    private static bool _wroteFull;

    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && options.NumberHandling.HasFlag(JsonNumberHandling.AllowReadingFromString))
            return Parse(reader.GetString()!);
        var value = reader.GetDecimal();
        return ExactDecimal.MayRound(reader.ValueSpan) ? Parse(Encoding.UTF8.GetString(reader.ValueSpan)) : value;
    }

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options)
    {
        _wroteFull |= ExactDecimal.IsFull(value);
        if (options.NumberHandling.HasFlag(JsonNumberHandling.WriteAsString))
            writer.WriteStringValue(Plain(value).ToString(CultureInfo.InvariantCulture));
        else
            writer.WriteNumberValue(Plain(value));
    }

    public override decimal ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString()!);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Plain(value).ToString(CultureInfo.InvariantCulture));

    /// <summary>The value without trailing zeros.</summary>
    internal static decimal Plain(decimal value) => value == 0 ? 0 : value.Scale == 0 ? value : value / One;

    /// <summary>
    /// Whether a decimal that may have been rounded (<see cref="ExactDecimal.IsFull"/>) was written in this thread since the last call.
    /// </summary>
    internal static bool TakeWroteFull()
    {
        var wrote = _wroteFull;
        _wroteFull = false;
        return wrote;
    }

    private static decimal Parse(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && ExactDecimal.IsExactly(value, text)
            ? value
            : throw new JsonException(
                $"'{Shortened(text)}' is no number that a decimal holds exactly: it holds 28 digits, any of them behind the point.");

    private static string Shortened(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
