using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// The history that is loaded: the real one where it lies beside the repository, otherwise one made up like it. What must come of it is counted here without
/// any of the project's code.
/// </summary>
internal sealed class GitInput
{
    internal const string Topic = GitHistoryDefinitions.Topic;
    internal static readonly string[] Datasets = ["file", "folder", "author", "extension", "leaderboard"];
    private const int GeneratedSeed = 20141219;
    private static readonly Lazy<GitInput> Found = new(Find);

    private GitInput(string file, bool isReal)
    {
        (File, IsReal) = (file, isReal);
        Lines = [.. Read(file)];
        foreach (var line in Lines)
            Count(line);
    }

    internal static GitInput Instance => Found.Value;

    /// <summary>JSON lines, with gzip where the name says so.</summary>
    internal string File { get; }

    internal bool IsReal { get; }

    internal IReadOnlyList<JsonElement> Lines { get; }

    /// <summary>Lines of each file that exists at the end.</summary>
    internal Dictionary<string, long> LinesOf { get; } = [];

    internal LoadSource Source() => new NdjsonSource(File, new() { KeyField = "path", TimeField = "time" });

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

    private static long Number(JsonElement line, string name) => line.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : 0;

    private static IEnumerable<JsonElement> Read(string file)
    {
        using var stream = System.IO.File.OpenRead(file);
        using var reader = new StreamReader(file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        while (reader.ReadLine() is { } line)
            yield return JsonElement.Parse(line);
    }

    private static GitInput Find()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !System.IO.File.Exists(Path.Combine(root.FullName, "ActorStreams.sln")))
            root = root.Parent;
        if (root?.Parent is { } beside && Path.Combine(beside.FullName, "shared", "data", "git-history.ndjson.gz") is var real && System.IO.File.Exists(real))
            return new(real, isReal: true);
        // Written anew for each run, over that of the run before.
        var made = Path.Combine(Path.GetTempPath(), $"actorstreams-git-like-{Environment.ProcessId}.ndjson");
        System.IO.File.WriteAllLines(made, GitLikeHistory.Lines(GeneratedSeed));
        return new(made, isReal: false);
    }
}
