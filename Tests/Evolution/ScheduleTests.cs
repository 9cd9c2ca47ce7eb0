using System.Diagnostics;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// What semantics §7 promises, under random schedules in real processes. By default a few short ones; the long run is
/// <c>SCHEDULES=200</c>, and one of them again <c>SCHEDULES=1 SEED=…</c>.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class ScheduleTests : EndToEndTest
{
    [Fact]
    public async Task After_any_crashes_deployments_rebuilds_and_cutovers_every_state_is_what_a_batch_gives()
    {
        var failed = new List<string>();
        for (var left = Number("SCHEDULES", 3); left > 0; left--)
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
