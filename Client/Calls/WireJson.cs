using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using System.Text.Json;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

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
    public static T? Read<T>(RawJson? json, JsonSerializerOptions options) =>
        json is { } value ? JsonSerializer.Deserialize<T>(value.Utf8.Span, options) : default;
}
