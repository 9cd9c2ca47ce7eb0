using System.Diagnostics;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.Log;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Storage.Sqlite;

/// <summary>A process of its own that appends and tells on its output what was acknowledged, until it is killed.</summary>
internal static class KilledAppender
{
    public const string Command = "append-until-killed";

    public static Process Start(string directory) => Process.Start(new ProcessStartInfo
    {
        FileName = Path.Combine(AppContext.BaseDirectory, "ActorStreams.Tests" + (OperatingSystem.IsWindows() ? ".exe" : "")),
        ArgumentList = { Command, directory },
        RedirectStandardOutput = true,
    })!;

    public static async Task<int> RunAsync(string directory)
    {
        using var data = DataDirectory.Open(directory);
        await using var log = SqliteChangeLog.Open(new() { Path = data.FilePath("log") });
        await log.CreateTopicAsync("t", 2);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; ; i++)
            {
                var value = $"{caller}.{i}";
                var positions = await log.AppendAsync("t", [Record("k", value + new string('x', i % 500), partition: caller % 2)]);
                lock (Console.Out)
                    Console.WriteLine($"{positions[0].Partition} {positions[0].Offset} {value}");
            }
        })));
        return 0;
    }
}
