using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;
using ActorStreams.Storage.Sqlite.Log;
using Microsoft.Data.Sqlite;
using static ActorStreams.Tests.EndToEnd.OrderRequests;

namespace ActorStreams.Tests.EndToEnd;

public sealed class StorageTroubleTests : EndToEndTest
{
    [Fact]
    public async Task A_locked_log_refuses_appends_with_a_sentence_and_everything_goes_on_exactly_afterwards()
    {
        var silo = await StartSiloAsync();
        await silo.PlaceAsync("before", "c", 1);
        await silo.CaughtUpAsync(Orders);
        using (Lock(silo, "log.db"))
        {
            var refused = await silo.PostAsync(Orders, Placed("never", "c", 2));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
            Assert.Contains("locked by another process", refused.Detail, StringComparison.Ordinal);
            Assert.Equal(new Order("c", 1), (await silo.Client.GetAsync<Order>("order", "before"))!.State);
        }

        await silo.PlaceAsync("after", "c", 3);
        await silo.CaughtUpAsync(Orders);
        Assert.Equal(new Spend(2, 4), (await silo.Client.GetAsync<Spend>("spend", "c"))!.State);
        await AssertExactAsync(silo);
    }

    [Fact]
    public async Task A_view_whose_input_log_is_locked_waits_and_says_so_and_loses_nothing()
    {
        var silo = await StartSiloAsync();
        await silo.PostAsync(Orders, Enumerable.Range(0, 20).Select(i => Placed($"o{i}", $"c{i % 5}", i)));
        await silo.CaughtUpAsync(Orders);
        await silo.StopAsync();
        await AppendBesideAsync(silo, Enumerable.Range(0, 500).Select(i => ($"o{i % 50}", (OrderEvent)new Placed($"c{i % 7}", i))));

        // The orders are in the log, and their changes are to be routed while it is locked.
        using (Lock(silo, "log.db"))
        {
            await silo.StartAsync();
            await WithTroubleAsync(silo, "locked by another process");
        }

        await silo.CaughtUpAsync(Orders);
        await AssertNoTroubleAsync(silo);
        await AssertExactAsync(silo);
    }

    [Fact]
    public async Task Locked_states_hold_up_no_reader_and_are_written_afterwards()
    {
        var silo = await StartSiloAsync("--Streams:CheckpointIntervalSeconds=0.1", "--Streams:TableEntries=8");
        await silo.PostAsync(Orders, Enumerable.Range(0, 500).Select(i => Placed($"o{i}", $"c{i % 30}", i)));
        await silo.CaughtUpAsync(Orders);
        using (Lock(silo, "states.db"))
        {
            var at = await silo.PlaceAsync("o7", "c7", 1_000);
            Assert.Equal(new Order("c7", 1_000), (await silo.Client.GetAsync<Order>("order", "o7", new() { AtLeast = at }))!.State);
            await WithTroubleAsync(silo, "locked by another process");
            Assert.Equal(new Order("c3", 3), (await silo.Client.GetAsync<Order>("order", "o3"))!.State);
        }

        await silo.PlaceAsync("o8", "c8", 2_000);
        await silo.CaughtUpAsync(Orders);
        await AssertNoTroubleAsync(silo);
        await AssertExactAsync(silo);
    }

    [Fact]
    public async Task A_full_disk_refuses_appends_and_reads_go_on_and_nothing_is_lost_when_there_is_room_again()
    {
        using var directory = new TemporaryDirectory();
        using var disk = await SmallDisk.MountAsync(directory.Path, megabytes: 8);
        var silo = NewSilo(directory.File("data"));
        await silo.StartAsync("--Streams:CheckpointIntervalSeconds=0.1");
        await silo.PostAsync(Orders, Enumerable.Range(0, 300).Select(i => Placed($"o{i}", $"c{i % 30}", i)));
        await silo.CaughtUpAsync(Orders);

        disk.Fill();
        Answer answer;
        do
            answer = await silo.PostAsync(Orders, Enumerable.Range(0, 300).Select(i => Placed($"o{i}", $"c{i % 20}", i + 1)));
        while (answer.Status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Contains("full", answer.Detail, StringComparison.Ordinal);
        Assert.NotNull(await silo.Client.GetAsync<Order>("order", "o7"));
        Assert.Equal(300, (await silo.AllAsync("order")).Count);

        disk.Free();
        await UntilAsync(
            async () => (await silo.PostAsync(Orders, Placed("last", "c", 1))).Status == HttpStatusCode.OK,
            "an append after there is room");
        await silo.CaughtUpAsync(Orders);
        await AssertNoTroubleAsync(silo);
        await AssertExactAsync(silo);
        await silo.DisposeAsync();
    }

    /// <summary>Appends orders to the log of a silo that does not run.</summary>
    private static async Task AppendBesideAsync(SiloProcess silo, IEnumerable<(string Key, OrderEvent Event)> orders)
    {
        await using var log = SqliteChangeLog.Open(new() { Path = Path.Combine(silo.Data, "log.db") });
        var partitions = (await log.DescribeAsync(Orders))!.Partitions;
        await log.AppendAsync(Orders, [.. orders.Select(order => new NewRecord
        {
            Partition = Partitioner.PartitionOf(order.Key, partitions),
            Timestamp = 0,
            Key = Encoding.UTF8.GetBytes(order.Key),
            Value = JsonSerializer.SerializeToUtf8Bytes(order.Event, new TopologyBuilder().Json),
        })]);
    }

    /// <summary>Another process's transaction on one of the silo's files.</summary>
    internal static SqliteConnection Lock(SiloProcess silo, string file)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(silo.Data, file)};Pooling=False");
        connection.Open();
        using var begin = connection.CreateCommand();
        begin.CommandText = "BEGIN EXCLUSIVE";
        begin.ExecuteNonQuery();
        return connection;
    }

    private static async Task WithTroubleAsync(SiloProcess silo, string says)
    {
        // Often enough that it is no luck to see it.
        await UntilAsync(async () => await TroublesAsync(silo) is var troubles
            && troubles.Contains(says, StringComparison.Ordinal), $"'{says}' among the troubles", 25);
        for (var i = 0; i < 30; i++)
        {
            Assert.Contains(says, await TroublesAsync(silo), StringComparison.Ordinal);
            await Task.Delay(50);
        }

        Assert.Contains("waiting", (await silo.GetAsync("api/datasets")).Body, StringComparison.Ordinal);
    }

    private static async Task AssertNoTroubleAsync(SiloProcess silo) =>
        await UntilAsync(async () => await TroublesAsync(silo) == "[]", "no troubles any more", 25);

    private static async Task<string> TroublesAsync(SiloProcess silo) =>
        (await silo.GetAsync("health/ready")).Json.GetProperty("troubles").GetRawText();

    /// <summary>What the silo says, and what it says after a crash, is what a batch over its log folds.</summary>
    private static async Task AssertExactAsync(SiloProcess silo)
    {
        foreach (var crash in new[] { false, true })
        {
            if (crash)
            {
                await silo.KillAsync();
                await silo.StartAsync();
                await silo.CaughtUpAsync(Orders);
            }

            var live = new Dictionary<string, SortedDictionary<string, string>>
            {
                ["order"] = await silo.AllAsync("order"), ["spend"] = await silo.AllAsync("spend"),
            };
            if (!crash)
                continue;
            await silo.StopAsync();
            var topology = new TopologyBuilder();
            ShopDefinitions.AddTo(topology);
            await using var log = SqliteChangeLog.Open(new() { Path = Path.Combine(silo.Data, "log.db") });
            SameStates.Check(await new BatchRunner(topology.Build(), log).RunAsync(), live);
        }
    }

    /// <summary>A disk of a few megabytes, in memory; root alone may mount one.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly string _path;

        private SmallDisk(string path) => _path = path;

        internal static async Task<SmallDisk> MountAsync(string path, int megabytes)
        {
            Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Only root on Linux can mount a small disk.");
            Assert.SkipUnless(
                await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path) == 0,
                "Here not even root can mount a small disk.");
            return new(path);
        }

        internal void Fill()
        {
            using var filler = File.Create(Filler);
            var piece = new byte[4_096];
            try
            {
                while (true)
                {
                    filler.Write(piece);
                    filler.Flush();
                }
            }
            catch (IOException)
            {
                // Full.
            }
        }

        internal void Free() => File.Delete(Filler);

        public void Dispose() => RunAsync("umount", "-l", _path).GetAwaiter().GetResult();

        private string Filler => Path.Combine(_path, "filler");

        private static async Task<int> RunAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }
}
