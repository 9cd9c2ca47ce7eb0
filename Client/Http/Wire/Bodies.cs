using System.Text.Json;
using ActorStreams.Log;

namespace ActorStreams.Client.Wire;

// The bodies of the HTTP contract, as they are sent.

internal sealed record StateBody(string Dataset, string Key, JsonElement? State, Position? Position, DateTimeOffset? Time, Behind? Behind);

internal sealed record PageBody(string Dataset, IReadOnlyList<ItemBody> Items, string? Next);

internal sealed record ItemBody(string Key, JsonElement? State, DateTimeOffset Time);

internal sealed record ChangeBody(
    string Key, JsonElement? Before, JsonElement? After, ChangePosition Position, ChangeCause? Cause, DateTimeOffset? Time);

internal sealed record AppendAnswer(string? Topic, int Partition, long Offset, long? Line, string? Error);

internal sealed record ProblemBody(string? Title, int? Status, string? Detail, IReadOnlyList<LineError>? Errors);

internal sealed record LineError(int Line, string Error);
