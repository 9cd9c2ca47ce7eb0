using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;

namespace ActorStreams.Benchmarks.Inputs;

/// <summary>The history of a git repository, as the sample folds it: the files, and for the view their authors.</summary>
internal sealed class GitInput : Input
{
    private readonly JsonTypeInfo<FileChange> _json;

    private GitInput(JsonTypeInfo<FileChange> json) => _json = json;

    public override string Name => "git history";

    public static GitInput Read(string file)
    {
        var topology = new TopologyBuilder();
        topology.AddEntity<SourceFile>().Build();
        var json = (JsonTypeInfo<FileChange>)topology.Json.GetTypeInfo(typeof(FileChange));
        using var lines = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        var records = new List<ChangeRecord>();
        while (lines.ReadLine() is { } line)
        {
            var change = JsonSerializer.Deserialize(line, json)!;
            records.Add(new()
            {
                Offset = records.Count,
                Timestamp = change.Time * 1_000,
                Key = Encoding.UTF8.GetBytes(change.Path),
                Value = Encoding.UTF8.GetBytes(line),
            });
        }

        return new(json) { Records = [.. records] };
    }

    public override void AddTo(TopologyBuilder topology, bool withView)
    {
        topology.AddEntity<SourceFile>();
        if (withView)
            topology.AddView<Author>();
    }

    public override int PlainLoop()
    {
        var states = new Dictionary<string, SourceFile>();
        foreach (ref readonly var record in Records.AsSpan())
        {
            var key = Encoding.UTF8.GetString(record.Key!.Value.Span);
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(states, key, out _)!;
            var value = JsonSerializer.Deserialize(record.Value!.Value.Span, _json)!;
            state = SourceFile.Apply(
                state, new() { Key = key, Value = value, Time = DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp) })!;
            if (state is null)
                states.Remove(key);
        }

        return states.Count;
    }
}
