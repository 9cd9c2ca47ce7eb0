using System.IO.Compression;
using System.Text.Json;
using System.Text;
using ActorStreams.Batch;
using ActorStreams.Client.Loading;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// The history that is loaded: the real one where it lies beside the repository, otherwise one made up like it. What must come of it is
/// counted here without any of the project's code.
/// </summary>
internal sealed class GitInput
{
    internal const string Topic = GitHistoryDefinitions.Topic;
    internal static readonly string[] Datasets = ["file", "folder", "author", "extension", "leaderboard"];
    private const int GeneratedSeed = 20141219;
    private static readonly Lazy<GitInput> Found = new(Find);

    private readonly string? _file;

    /// <param name="file">JSON lines with gzip; null for a history that is made up.</param>
    private GitInput(string? file)
    {
        _file = file;
        Lines = [.. file is null ? GitLikeHistory.Lines(GeneratedSeed).Select(line => JsonElement.Parse(line)) : Read(file)];
        foreach (var line in Lines)
            Count(line);
    }

    internal static GitInput Instance => Found.Value;

    internal bool IsReal => _file is not null;

    internal IReadOnlyList<JsonElement> Lines { get; }

    /// <summary>Lines of each file that exists at the end.</summary>
    internal Dictionary<string, long> LinesOf { get; } = [];

    internal LoadSource Source()
    {
        var mapping = new NdjsonMapping { KeyField = "path", TimeField = "time" };
        return _file is not null ? new NdjsonSource(_file, mapping)
            : new NdjsonSource(
                "-", mapping, new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', Lines.Select(line => line.GetRawText())))));
    }

    internal static Topology NewTopology()
    {
        var topology = new TopologyBuilder();
        GitHistoryDefinitions.AddTo(topology);
        return topology.Build();
    }

    /// <summary>The input in a log of its own, as a single uninterrupted writer leaves it.</summary>
    internal async Task<InMemoryChangeLog> ToLogAsync()
    {
        var log = new InMemoryChangeLog();
        await log.CreateTopicAsync(Topic, 4);
        await log.AppendAsync(Topic, [.. Lines.Select(line => Record(line, 4))]);
        return log;
    }

    /// <summary>The states of every dataset, folded in one go.</summary>
    internal async Task<BatchResult> BatchAsync() => await new BatchRunner(NewTopology(), await ToLogAsync()).RunAsync();

    private static NewRecord Record(JsonElement line, int partitions)
    {
        var path = line.GetProperty("path").GetString()!;
        return new()
        {
            Partition = Partitioner.PartitionOf(path, partitions),
            Timestamp = line.GetProperty("time").GetInt64() * 1_000,
            Key = Encoding.UTF8.GetBytes(path),
            Value = Encoding.UTF8.GetBytes(line.GetRawText()),
        };
    }

    private void Count(JsonElement line)
    {
        var path = line.GetProperty("path").GetString()!;
        var status = line.GetProperty("status").GetString();
        var delta = Number(line, "added") - Number(line, "deleted");
        if (status == "D")
            LinesOf.Remove(path);
        else
            LinesOf[path] = status == "A" ? delta : LinesOf.GetValueOrDefault(path) + delta;
    }

    private static long Number(JsonElement line, string name) =>
        line.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : 0;

    private static IEnumerable<JsonElement> Read(string file)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return JsonElement.Parse(line);
    }

    private static GitInput Find()
    {
        var real = Path.GetDirectoryName(Repository.Folder) is { } beside
            ? Path.Combine(beside, "shared", "data", "git-history.ndjson.gz")
            : null;
        return new(File.Exists(real) ? real : null);
    }
}
