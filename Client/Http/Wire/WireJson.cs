using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Client.Wire;

/// <summary>
/// The JSON of the HTTP contract itself. States and values inside it are the user's, and are read with the user's options.
/// </summary>
internal static class WireJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new PositionConverter(), new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The same, indented for people.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Options) { WriteIndented = true };

    /// <summary>Reads a state; JSON null is no state.</summary>
    public static T? Read<T>(JsonElement? json, JsonSerializerOptions options) =>
        json is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } value ? value.Deserialize<T>(options) : default;

    // A position has a derived member that must not be written, and no parameterless form worth trusting.
    private sealed class PositionConverter : JsonConverter<Position>
    {
        private sealed record Parts(string Topic, int Partition, long Offset);

        public override Position Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var parts = JsonSerializer.Deserialize<Parts>(ref reader, JsonSerializerOptions.Web)
                ?? throw new JsonException("A position is null.");
            return new(parts.Topic, parts.Partition, parts.Offset);
        }

        public override void Write(Utf8JsonWriter writer, Position value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, new Parts(value.Topic, value.Partition, value.Offset), JsonSerializerOptions.Web);
    }
}
