namespace ActorStreams.Tests.Simulation;

/// <summary>Makes a failing scenario smaller: fewer faults, silos, clients, records and events, as long as it still fails.</summary>
internal static class Shrinker
{
    /// <summary>A smaller scenario is another run, which need not meet the fault; so each is tried with as many seeds.</summary>
    private const int Tries = 30;

    internal static async Task<string> ReportAsync(Scenario scenario, string failure)
    {
        var (smallest, last) = (scenario, failure);
        while (await SmallerAsync(smallest) is var (smaller, found))
            (smallest, last) = (smaller, found);
        return $"SEED={scenario.Seed}: {failure}\n\nsmaller, {smallest}: {last}";
    }

    private static async Task<(Scenario, string)?> SmallerAsync(Scenario scenario)
    {
        foreach (var smaller in scenario.Smaller())
        {
            for (var seed = 0; seed < Tries; seed++)
            {
                if (await SimulationTests.RunAsync(smaller with { Seed = seed }) is { } failure)
                    return (smaller with { Seed = seed }, failure);
            }
        }

        return null;
    }
}
