using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Protocol;

namespace ActorStreams.Hosting.Api;

/// <summary>Makes what HTTP answers of what grains answer.</summary>
internal static class Answers
{
    internal static StateAnswer Of(string dataset, StateReply reply) => new(
        dataset, reply.Key, RawJson.Of(reply.State), reply.Position.ToPosition(), reply.State is null ? null : TimeOf(reply.Timestamp),
        Behind(reply.BehindRecords, reply.BehindSeconds), reply.Build);

    internal static ChangeAnswer Of(ChangeReply change) => new(
        change.Key, RawJson.Of(change.Before), RawJson.Of(change.After),
        new(change.Position.Topic, change.Position.Partition, change.Position.Offset, change.Index),
        new(change.Trigger.ToPosition(), change.Root.ToPosition()), TimeOf(change.Timestamp), change.Build);

    internal static PartitionInfo Of(PartitionStatus status) => new(
        status.Partition, status.Silo, StateOf(status.Status), status.Reason, status.NextOffset, status.EndOffset, status.States,
        status.TableEntries,
        Behind(status.BehindRecords, status.BehindSeconds), status.OpenDeadLetters, Math.Round(status.CheckpointAgeSeconds, 3))
    {
        StoppedAt = status.StoppedAt,
    };

    internal static DatasetInfo Of(Dataset dataset, DatasetStatusReply status) => new(
        dataset.Name, dataset.Kind, dataset.Version, dataset.Topic, dataset.Partitions, [.. dataset.Sources.Select(source => source.Name)],
        status.States,
        Behind(status.BehindRecords, status.BehindSeconds), StateOf(status.Status), status.Reason, dataset.Partitioner,
        status.MisplacedRecords, dataset.Build);

    internal static BuildInfo Of(BuildReply build) => new()
    {
        Dataset = build.Dataset, Build = build.Build, IsActive = build.IsActive, Version = build.Version, Topic = build.Topic,
        Status = Words.TryParse<BuildStatus>(build.Status, out var status) ? status : BuildStatus.Unknown,
        Sources = build.Sources, Why = build.Why, Made = TimeOf(build.Made), States = build.States, Progress = build.Progress,
        Folded = build.Folded, BehindRecords = build.Behind, RecordsPerSecond = build.RecordsPerSecond, SecondsLeft = build.SecondsLeft,
        Backfill = build.BackfillShare is { } share ? new(build.StatesSent, build.StatesToSend, build.Backfilled, share) : null,
        NotReady = build.NotReady, CutoverByCommand = build.CutoverByCommand,
        FrozenSince = build.FrozenSince is { } since ? TimeOf(since) : null,
    };

    internal static ItemAnswer Item(StateReply state) => new(state.Key, RawJson.Of(state.State), TimeOf(state.Timestamp));

    internal static PartitionState StateOf(string status) =>
        Words.TryParse<PartitionState>(status, out var state) ? state : PartitionState.Unknown;

    private static Behind Behind(long records, double seconds) => new(records, Math.Round(seconds, 3));

    private static DateTimeOffset TimeOf(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
