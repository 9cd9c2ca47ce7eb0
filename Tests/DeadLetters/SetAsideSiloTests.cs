using System.Net;
using System.Text.Json;
using ActorStreams.Cli;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.DeadLetters;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>A partition that has stopped sets a record aside by order, in a silo that is killed meanwhile.</summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class SetAsideSiloTests : EndToEndTest
{
    private const string Key = "k1";
    private const int Bad = 3;

    [Fact]
    public async Task A_stopped_partition_sets_record_after_record_aside_under_kills_and_folds_each_good_one_once()
    {
        var (random, silo) =
            (NewRandom(), Keep(new SiloProcess { Program = ["ActorStreams.Tests.dll", PoisonSilo.Command] }));
        silo.Variables[PoisonSilo.StopsVariable] = "true";
        await silo.StartAsync();
        var bad = await AppendAsync(silo);
        foreach (var (position, i) in bad.Select((position, i) => (position, i)))
        {
            await StoppedAtAsync(silo, position);
            await AssertRefusedAsync(silo, position);
            for (var kill = 0; kill < 2; kill++)
            {
                var order = TryAsync(silo, position);
                await Task.Delay(random.Next(0, 40));
                await silo.KillAsync();
                await order;
                await silo.StartAsync();
                if (await IsOpenAsync(silo, position) is false)
                    await StoppedAtAsync(silo, position);
            }

            // The command line repeats it: for one that is set aside already that is no failure.
            Assert.Equal(0, await CommandAsync(silo, "deadletters", "set-aside", "ledger", $"{position.Partition}", $"{position.Offset}"));
            Print($"{i + 1} of {Bad} are set aside");
        }

        await silo.CaughtUpAsync(PoisonRecords.Topic);
        var ledger = JsonSerializer.Deserialize<Ledger>((await silo.AllAsync("ledger"))[Key], JsonSerializerOptions.Web)!;
        Assert.Equal(Bad + 1, ledger.Records);
        var open = await silo.Client.Operations.DeadLettersAsync("ledger", DeadLetterState.Open).ToListAsync();
        Assert.Equal(bad.Select(position => $"ledger@{position}#0"), open.Select(letter => letter.Id).Distinct().Reverse());
        Assert.Equal(Bad, (await silo.Client.Operations.PartitionsAsync("ledger")).Sum(partition => partition.OpenDeadLetters));

        await AssertRebuildStopsAgainAsync(silo, bad[0]);
        await AssertMendedAsync(silo);
    }

    private static async Task<List<Position>> AppendAsync(SiloProcess silo)
    {
        var good = new { type = "out", amount = 1 };
        var bad = new List<Position>();
        await silo.Client.AppendAsync(PoisonRecords.Topic, [new() { Key = Key, Value = good }]);
        for (var i = 0; i < Bad; i++)
        {
            var positions = await silo.Client.AppendAsync(
                PoisonRecords.Topic, [new() { Key = Key, Value = new { type = "out", amount = 13 } }, new() { Key = Key, Value = good }]);
            bad.Add(positions[0]);
        }

        return bad;
    }

    private static async Task AssertRefusedAsync(SiloProcess silo, Position position)
    {
        var error = await Assert.ThrowsAsync<ActorStreamsException>(
            () => silo.Client.Operations.SetAsideAsync("ledger", position.Partition, position.Offset + 1));
        Assert.Equal(HttpStatusCode.Conflict, error.Status);
        Assert.Contains($"it has stopped at {position.Offset}", error.Message, StringComparison.Ordinal);
        using var bare = await silo.Http.PostAsync(
            silo.Raw("api/dead-letters/set-aside"),
            new StringContent("{\"dataset\":\"ledger\",\"partition\":0,\"offset\":0}", System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Forbidden, bare.StatusCode);
        error = await Assert.ThrowsAsync<ActorStreamsException>(() => silo.Client.Operations.SetAsideAsync("ledger", 99, 0));
        Assert.Equal(HttpStatusCode.NotFound, error.Status);
    }

    /// <summary>The order is no part of the log.</summary>
    private static async Task AssertRebuildStopsAgainAsync(SiloProcess silo, Position first)
    {
        Assert.Equal(0, await silo.StopAsync());
        await silo.StartAsync("--rebuild");
        await StoppedAtAsync(silo, first);
        Assert.Equal(0, await CommandAsync(silo, "deadletters", "set-aside", "ledger", $"{first.Partition}", $"{first.Offset}"));
    }

    /// <summary>What was set aside is redriven when the definition is mended; the others are folded at their place.</summary>
    private static async Task AssertMendedAsync(SiloProcess silo)
    {
        Assert.Equal(0, await silo.StopAsync());
        silo.Variables[PoisonSilo.FixedVariable] = "true";
        await silo.StartAsync();
        await silo.CaughtUpAsync(PoisonRecords.Topic);
        var outcome = await silo.Client.Operations.RedriveOpenAsync("ledger", dryRun: false);
        Assert.Equal(RedriveOutcome.Folded, Assert.Single(outcome.Appended).Outcome);
        var ledger = JsonSerializer.Deserialize<Ledger>((await silo.AllAsync("ledger"))[Key], JsonSerializerOptions.Web)!;
        Assert.Equal((Bad * 2) + 1, ledger.Records);
    }

    private static async Task StoppedAtAsync(SiloProcess silo, Position position) => await UntilAsync(
        async () => (await silo.Client.Operations.PartitionsAsync("ledger"))
            .Single(one => one.Partition == position.Partition).StoppedAt == position.Offset,
        $"the partition that stands at {position}");

    /// <summary>Whether the record is set aside; false while the partition stands before it.</summary>
    private static async Task<bool> IsOpenAsync(SiloProcess silo, Position position)
    {
        PartitionInfo? partition = null;
        await UntilAsync(
            async () => (partition = (await silo.Client.Operations.PartitionsAsync("ledger"))
                .Single(one => one.Partition == position.Partition)).NextOffset >= position.Offset
                && partition.Status is PartitionState.Stopped or PartitionState.Running,
            "the partition");
        return partition!.NextOffset > position.Offset;
    }

    private static async Task TryAsync(SiloProcess silo, Position position)
    {
        try
        {
            await silo.Client.Operations.SetAsideAsync("ledger", position.Partition, position.Offset);
        }
        catch (ActorStreamsException)
        {
            // The silo was killed meanwhile.
        }
    }

    private static async Task<int> CommandAsync(SiloProcess silo, params string[] arguments)
    {
        using var output = new StringWriter();
        return await CommandLine.RunAsync(
            [.. arguments, "--url", silo.Url.AbsoluteUri], new Shell(output, output, outputIsTerminal: false, errorIsTerminal: false));
    }
}
