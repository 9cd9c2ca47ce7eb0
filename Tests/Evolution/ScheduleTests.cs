using System.Diagnostics;
using ActorStreams.Tests.Cluster;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka.Brokers;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// What semantics §7 promises, under random schedules in real processes. By default a few short ones; the long run is
/// <c>SCHEDULES=200</c>, and one of them again <c>SCHEDULES=1 SEED=…</c>; <c>CLUSTER_SCHEDULES=3</c> asks for some of a cluster.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class ScheduleTests : EndToEndTest
{
    [Fact]
    public async Task The_same_holds_of_three_silos_on_real_brokers_that_are_rolled_while_topics_are_made_again()
    {
        Assert.SkipUnless(Number("CLUSTER_SCHEDULES", 0) > 0, "CLUSTER_SCHEDULES asks for none.");
        for (var left = Number("CLUSTER_SCHEDULES", 0); left > 0; left--)
        {
            var (seed, begin) = (Number("SEED", Random.Shared.Next()), Stopwatch.GetTimestamp());
            await using var cluster = await SiloCluster.StartAsync(
                await RealKafka.StartNewAsync(3), SalesFeed.Topics.Select(topic => (topic, Deployment.Partitions)),
                [.. EvolvingSilo.Settings, "--Silo:ProbeSeconds=1", "--Silo:MissedProbes=2", "--Kafka:AppendTimeoutSeconds=3"]);
            await using var schedule = new ClusterSchedule(cluster, seed);
            try
            {
                await schedule.RunAsync();
            }
            finally
            {
                Print(string.Create(
                    CultureInfo.InvariantCulture,
                    $"SEED={seed}: {schedule.Compared:N0} states are exact, {schedule.Records:N0} records, "
                    + $"{Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s: {schedule.Story}"));
            }
        }
    }

    [Fact]
    public async Task After_any_crashes_deployments_rebuilds_and_cutovers_every_state_is_what_a_batch_gives()
    {
        var failed = new List<string>();
        for (var left = Number("SCHEDULES", 1); left > 0; left--)
        {
            var (seed, begin) = (Number("SEED", Random.Shared.Next()), Stopwatch.GetTimestamp());
            await using var schedule = new Schedule(seed);
            try
            {
                await schedule.RunAsync();
            }
            catch (Exception error)
            {
                failed.Add($"SEED={seed}: {error.Message}");
                Print($"{error}\nThe silo wrote:\n{schedule.Output}");
            }

            Print(string.Create(
                CultureInfo.InvariantCulture,
                $"SEED={seed}: {schedule.Differences} differences, {schedule.Compared:N0} states compared, {schedule.Records:N0} records, "
                + $"{Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s: {schedule.Steps}"));
        }

        Assert.True(failed.Count == 0, string.Join('\n', failed));
    }
}
