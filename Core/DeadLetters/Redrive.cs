using System.Text;
using System.Text.Unicode;
using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>
/// A redrive is a record that was set aside, appended once more to the end of its own partition with the header
/// <c>actorstreams-redrive</c>: the id of the dead letter. Only the dataset named folds it, and only as long as that dead letter is open
/// (<see cref="SetAsideOffsets"/>), so that any number of copies is folded once.
/// </summary>
internal static class Redrive
{
    /// <summary>Headers whose names begin with this are the system's own: no client may append them.</summary>
    internal const string Reserved = "actorstreams-";

    internal const string Header = Reserved + "redrive";

    /// <summary>Whether a record is a redrive: the text of its header; null for all others.</summary>
    internal static string? TextOf(in ChangeRecord record)
    {
        var headers = record.Headers;
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].Name == Header)
                return Utf8.IsValid(headers[i].Value.Span) ? Encoding.UTF8.GetString(headers[i].Value.Span) : "";
        }

        return null;
    }

    /// <summary>The headers that the record had from its producer.</summary>
    internal static IReadOnlyList<RecordHeader> Original(IReadOnlyList<RecordHeader> headers) =>
        headers.Any(header => IsReserved(header.Name)) ? [.. headers.Where(header => !IsReserved(header.Name))] : headers;

    internal static bool IsReserved(string header) => header.StartsWith(Reserved, StringComparison.OrdinalIgnoreCase);

    internal static RecordHeader HeaderOf(DeadLetterId id) => new(Header, Encoding.UTF8.GetBytes(id.ToString()));
}
