using System.Text.Json.Serialization;

namespace ActorStreams.Client.Loading.Git;

/// <summary>One file changed by one commit on the main line: the value of a record of <c>git.changes</c>.</summary>
/// <param name="Commit">The commit's short hash.</param>
/// <param name="Seq">Its place on the main line, from 1.</param>
/// <param name="Time">Committer time, Unix seconds. It may run backwards, as real clocks do.</param>
/// <param name="Author">A stable pseudonym, or the author's name.</param>
/// <param name="Path">The file.</param>
/// <param name="Status">A added, M modified, D deleted, T type changed.</param>
/// <param name="Added">Lines added; null for a binary file.</param>
/// <param name="Deleted">Lines deleted; null for a binary file.</param>
public sealed record GitChange(
    [property: JsonPropertyName("commit")] string Commit,
    [property: JsonPropertyName("seq")] long Seq,
    [property: JsonPropertyName("time")] long Time,
    [property: JsonPropertyName("author")] string Author,
    [property: JsonPropertyName("path")] string Path,
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("added")] long? Added,
    [property: JsonPropertyName("deleted")] long? Deleted);
