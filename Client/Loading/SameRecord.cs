using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>
/// Compares a record that was sent with one that was read. Values are compared as JSON: a silo may write them in another form.
/// </summary>
internal static class SameRecord
{
    public static bool Is(AppendRecord sent, LogRecord read, JsonSerializerOptions options)
    {
        if (sent.Key != read.Key || read.ValueBase64 is not null)
            return false;
        if (sent.Value is null || read.Value is not { ValueKind: not JsonValueKind.Null } value)
            return IsNull(sent.Value) && read.Value is not { ValueKind: not JsonValueKind.Null };
        var json = sent.Value is JsonElement element ? element : JsonSerializer.SerializeToElement(sent.Value, options);
        return JsonElement.DeepEquals(json, value);
    }

    private static bool IsNull(object? value) => value is null or JsonElement { ValueKind: JsonValueKind.Null };
}
