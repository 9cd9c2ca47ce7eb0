using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Json;

/// <summary>
/// Writes sets by their elements: strings by their UTF-8 bytes, numbers and times by their values, others by the bytes of their JSON.
/// </summary>
internal sealed class SetConverter<TCollection, T>(JsonSerializerOptions without) : JsonConverter<TCollection>
    where TCollection : class, IEnumerable<T>
{
    private readonly JsonTypeInfo<TCollection> _plain = (JsonTypeInfo<TCollection>)without.GetTypeInfo(typeof(TCollection));

    public override TCollection? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize(ref reader, _plain);

    public override void Write(Utf8JsonWriter writer, TCollection value, JsonSerializerOptions options)
    {
        var elementJson = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        writer.WriteStartArray();
        if (value is not (ISet<T> or IReadOnlySet<T>))
        {
            foreach (var element in value)
                JsonSerializer.Serialize(writer, element, elementJson);
        }
        else if (FixedOrder<T>.Comparer is { } comparer)
        {
            foreach (var element in value.Order(comparer))
                JsonSerializer.Serialize(writer, element, elementJson);
        }
        else
        {
            foreach (var element in value.Select(element =>
                JsonSerializer.SerializeToUtf8Bytes(element, elementJson)).Order(ByteOrder.Instance))
                writer.WriteRawValue(element, skipInputValidation: true);
        }

        writer.WriteEndArray();
    }
}

/// <summary>Writes dictionaries in the order of their keys' names, by their UTF-8 bytes, or by the values of numbers.</summary>
internal sealed class MapConverter<TCollection, TKey, TValue>(JsonSerializerOptions without) : JsonConverter<TCollection>
    where TCollection : class, IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : notnull
{
    private readonly JsonTypeInfo<TCollection> _plain = (JsonTypeInfo<TCollection>)without.GetTypeInfo(typeof(TCollection));
    private readonly JsonConverter<TKey> _keys = (JsonConverter<TKey>)without.GetConverter(typeof(TKey));

    public override TCollection? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize(ref reader, _plain);

    public override void Write(Utf8JsonWriter writer, TCollection value, JsonSerializerOptions options)
    {
        var valueJson = (JsonTypeInfo<TValue>)options.GetTypeInfo(typeof(TValue));
        var ordered = FixedOrder<TKey>.Comparer is { } comparer
            ? value.OrderBy(pair => pair.Key, comparer)
            : value.OrderBy(pair => NameOf(pair.Key, options), KeyOrder.Instance);
        writer.WriteStartObject();
        foreach (var (key, member) in ordered)
        {
            _keys.WriteAsPropertyName(writer, key, options);
            JsonSerializer.Serialize(writer, member, valueJson);
        }

        writer.WriteEndObject();
    }

    private string NameOf(TKey key, JsonSerializerOptions options)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        _keys.WriteAsPropertyName(writer, key, options);
        writer.WriteNullValue();
        writer.WriteEndObject();
        writer.Flush();
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        reader.Read();
        reader.Read();
        return reader.GetString()!;
    }
}

/// <summary>The order that values of a type have everywhere; none where only their bytes have one.</summary>
internal static class FixedOrder<T>
{
    internal static IComparer<T>? Comparer { get; } = Find();

    private static IComparer<T>? Find()
    {
        if (typeof(T) == typeof(string))
            return (IComparer<T>)(object)KeyOrder.Instance;
        var ordered = typeof(T).IsEnum || typeof(T) == typeof(decimal) || typeof(T) == typeof(DateOnly) || typeof(T) == typeof(TimeOnly)
            || typeof(T) == typeof(TimeSpan)
            || Type.GetTypeCode(typeof(T)) is >= TypeCode.Boolean and <= TypeCode.UInt64;
        return ordered ? Comparer<T>.Default : null;
    }
}
