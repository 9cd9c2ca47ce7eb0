using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>Reads and writes a position as <c>{ topic, partition, offset }</c>, without what is derived from them.</summary>
public sealed class PositionConverter : JsonConverter<Position>
{
    /// <inheritdoc/>
    public override Position Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var parts = JsonSerializer.Deserialize<Parts>(ref reader, JsonSerializerOptions.Web)
            ?? throw new JsonException("A position is null.");
        return new(parts.Topic, parts.Partition, parts.Offset);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Position value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Parts(value.Topic, value.Partition, value.Offset), JsonSerializerOptions.Web);

    private sealed record Parts(string Topic, int Partition, long Offset);
}
