using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Json;
using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>How the records of a topic become states of an entity: the only code that knows the event's type.</summary>
public abstract class EntityFold<TState>
    where TState : class
{
    private protected EntityFold()
    {
    }

    /// <summary>The type a record's value decodes to.</summary>
    internal abstract Type EventType { get; }

    /// <summary>A fold that decodes by these options, looked up once.</summary>
    internal abstract EntityFold<TState> Bind(JsonSerializerOptions json);

    /// <summary>Decodes a record that is no tombstone, and applies it.</summary>
    /// <exception cref="JsonException">The value is not JSON, or not of the event's type.</exception>
    internal abstract TState? Apply(TState? state, string key, in ChangeRecord record, TopicPartition partition);
}

internal sealed class EntityFold<TState, TEvent>(JsonTypeInfo<TEvent>? eventJson = null) : EntityFold<TState>
    where TState : class, IEntity<TState, TEvent>
{
    internal override Type EventType => typeof(TEvent);

    internal override EntityFold<TState> Bind(JsonSerializerOptions json)
    {
        // What comes from outside must be as the type says: null is no value of a member that is not nullable, and an undeclared number
        // none of an enum.
        var strict = new JsonSerializerOptions(json) { RespectNullableAnnotations = true };
        strict.Converters.Insert(0, new DeclaredEnumConverterFactory(json));
        return new EntityFold<TState, TEvent>((JsonTypeInfo<TEvent>)strict.GetTypeInfo(typeof(TEvent)));
    }

    internal override TState? Apply(TState? state, string key, in ChangeRecord record, TopicPartition partition)
    {
        var value = Decode(record.Value!.Value.Span)
            ?? throw new JsonException(
                $"The value is the JSON literal null, which is no {typeof(TEvent).Name}. "
                + "To end an entity, append a record without a value, or declare EmptyIsTombstone().");
        return TState.Apply(state, new()
        {
            Key = key,
            Value = value,
            Time = DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp),
            Position = new(partition.Topic, partition.Partition, record.Offset),
            Headers = record.Headers,
        });
    }

    private TEvent? Decode(ReadOnlySpan<byte> value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, eventJson!);
        }
        catch (JsonException) when (WholeNumbers.Rewrite(value) is { } rewritten)
        {
            return JsonSerializer.Deserialize(rewritten, eventJson!);
        }
    }
}
