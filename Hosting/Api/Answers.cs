using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Grains;

namespace ActorStreams.Hosting.Api;

/// <summary>A state or value that is JSON already, and goes out as it is.</summary>
[JsonConverter(typeof(Converter))]
internal readonly record struct RawJson(ReadOnlyMemory<byte> Utf8)
{
    internal static RawJson? Of(byte[]? json) => json is null ? null : new RawJson(json);

    private sealed class Converter : JsonConverter<RawJson>
    {
        public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Raw JSON only goes out.");

        public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }
}

internal sealed record PositionAnswer(
    string Topic, int Partition, long Offset, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Index = null)
{
    internal static PositionAnswer Of(PositionReply position, int? index = null) =>
        new(position.Topic, position.Partition, position.Offset, index);
}

/// <summary>How far a partition or dataset is behind: records still to fold, and seconds since there were none.</summary>
internal sealed record BehindAnswer(long Records, double Seconds);

internal sealed record StateAnswer(
    string Dataset, string Key, RawJson? State, PositionAnswer Position, DateTimeOffset? Time, BehindAnswer Behind)
{
    internal static StateAnswer Of(string dataset, StateReply reply) => new(
        dataset, reply.Key, RawJson.Of(reply.State), PositionAnswer.Of(reply.Position),
        reply.State is null ? null : DateTimeOffset.FromUnixTimeMilliseconds(reply.Timestamp),
        new(reply.BehindRecords, Math.Round(reply.BehindSeconds, 3)));
}

internal sealed record ListItem(string Key, RawJson State, DateTimeOffset Time);

internal sealed record ListAnswer(string Dataset, IReadOnlyList<ListItem> Items, string? Next);

internal sealed record CauseAnswer(PositionAnswer Trigger, PositionAnswer Root);

internal sealed record ChangeAnswer(
    string Key, RawJson? Before, RawJson? After, PositionAnswer Position, CauseAnswer Cause, DateTimeOffset Time)
{
    internal static ChangeAnswer Of(ChangeReply change) => new(
        change.Key, RawJson.Of(change.Before), RawJson.Of(change.After), PositionAnswer.Of(change.Position, change.Index),
        new(PositionAnswer.Of(change.Trigger), PositionAnswer.Of(change.Root)), DateTimeOffset.FromUnixTimeMilliseconds(change.Timestamp));
}

internal sealed record DatasetAnswer(
    string Name, string Kind, int Version, string Topic, int Partitions, IReadOnlyList<string> Sources, long States, BehindAnswer Behind,
    string Status, string? Reason,
    string Partitioner, long Misplaced);

internal sealed record PartitionAnswer(
    int Partition, string? Silo, string Status, string? Reason, long NextOffset, long EndOffset, long States, int StatesInMemory,
    BehindAnswer Behind, long OpenDeadLetters,
        double CheckpointAgeSeconds)
{
    internal static PartitionAnswer Of(PartitionStatus status) => new(
        status.Partition, status.Silo, status.Status, status.Reason, status.NextOffset, status.EndOffset, status.States,
        status.TableEntries,
        new(status.BehindRecords, Math.Round(status.BehindSeconds, 3)), status.OpenDeadLetters, Math.Round(status.CheckpointAgeSeconds, 3));
}

internal sealed record TopicAnswer(string Topic, string Kind, IReadOnlyList<TopicPartitionAnswer> Partitions, string Partitioner);

internal sealed record TopicPartitionAnswer(int Partition, long Start, long End);

internal sealed record LineageAnswer(
    IReadOnlyList<LineageTopic> Topics, IReadOnlyList<LineageDataset> Datasets, IReadOnlyList<LineageEdge> Edges);

internal sealed record LineageTopic(string Name, int Partitions);

internal sealed record LineageDataset(string Name, string Kind, int Version, string Topic);

internal sealed record LineageEdge(LineageEnd From, string To);

internal sealed record LineageEnd(string Kind, string Name);

internal sealed record HealthAnswer(string Status, string? Reason, IReadOnlyList<string> Troubles);
