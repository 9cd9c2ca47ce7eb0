namespace ActorStreams.Samples.GitHistory;

/// <summary>One change of one file, as git reports it. The record's key is the path.</summary>
/// <param name="Commit">The commit's short hash.</param>
/// <param name="Seq">The commit's place on the main line, from 1.</param>
/// <param name="Time">The commit's time, Unix seconds.</param>
/// <param name="Author">Who wrote it.</param>
/// <param name="Path">The file.</param>
/// <param name="Status">A added, M modified, D deleted, T type changed.</param>
/// <param name="Added">Lines added; null for a binary file.</param>
/// <param name="Deleted">Lines deleted; null for a binary file.</param>
public sealed record FileChange(string Commit, int Seq, long Time, string Author, string Path, string Status, int? Added, int? Deleted);
