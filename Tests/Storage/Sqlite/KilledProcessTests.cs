using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.Log;

namespace ActorStreams.Tests.Storage.Sqlite;

public sealed class KilledProcessTests
{
    private const int Acknowledged = 400;

    [Fact]
    public async Task A_killed_process_leaves_a_prefix_with_all_it_acknowledged_and_no_lock()
    {
        using var directory = new TemporaryDirectory();
        using var process = KilledAppender.Start(directory.Path);
        var told = new List<string>();
        while (told.Count < Acknowledged && await process.StandardOutput.ReadLineAsync() is { } line)
            told.Add(line);
        Assert.Equal(Acknowledged, told.Count);
        var inUse = Assert.Throws<DataDirectoryInUseException>(() => DataDirectory.Open(directory.Path));
        Assert.Equal(process.Id, inUse.ProcessId);

        process.Kill();
        await process.WaitForExitAsync();
        told.AddRange((await process.StandardOutput.ReadToEndAsync()).Split(Environment.NewLine)[..^1]); // the last line may be half

        using var data = DataDirectory.Open(directory.Path);
        await using var log = SqliteChangeLog.Open(new() { Path = data.FilePath("log") });
        var kept = new HashSet<string>();
        for (var partition = 0; partition < 2; partition++)
        {
            var records = await log.ReadToEndAsync(new("t", partition));
            Assert.Equal(Enumerable.Range(0, records.Count), records.Select(r => (int)r.Offset));
            foreach (var caller in records.Select(r => r.Value.Text().TrimEnd('x').Split('.')).GroupBy(v => v[0]))
                Assert.Equal(Enumerable.Range(0, caller.Count()).Select(i => $"{i}"), caller.Select(v => v[1]));
            kept.UnionWith(records.Select(r => $"{partition} {r.Offset} {r.Value.Text().TrimEnd('x')}"));
        }

        Assert.Empty(told.Except(kept));
    }
}
