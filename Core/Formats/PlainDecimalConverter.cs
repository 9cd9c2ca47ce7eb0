using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Formats;

/// <summary>
/// Decimals without trailing zeros. A sum remembers the most digits of all that was ever added, also what was taken back since: 1.5
/// + 2.25 - 2.25 is 1.50. So equal sums would be stored as different texts, by the order in which changes came, and live states
/// would not be those of a batch.
/// </summary>
internal sealed class PlainDecimalConverter : JsonConverter<decimal>
{
    /// <summary>Dividing by it leaves the value, and no trailing zeros.</summary>
    private const decimal One = 1.0000000000000000000000000000m;

    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && options.NumberHandling.HasFlag(JsonNumberHandling.AllowReadingFromString)
            ? decimal.Parse(reader.GetString()!, NumberStyles.Number, CultureInfo.InvariantCulture)
            : reader.GetDecimal();

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Plain(value));

    internal static decimal Plain(decimal value) => value == 0 ? 0 : value.Scale == 0 ? value : value / One;
}
