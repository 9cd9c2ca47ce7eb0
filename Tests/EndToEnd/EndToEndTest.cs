namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// Tests of several silos or with much load want the whole machine, and those that look at what this process tells of itself would take
/// what other tests tell for theirs: one after the other, and beside no others.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    internal const string Name = "real silos alone";
}

/// <summary>
/// Tests of silos in processes of their own that measure nothing, one after the other, beside those that need no silo: half of the time a
/// silo that starts keeps one core busy at most.
/// </summary>
[CollectionDefinition(Name)]
public sealed class BesideOthersCollection
{
    internal const string Name = "real silos beside others";
}

/// <summary>A second row of such tests: each waits for something most of the time.</summary>
[CollectionDefinition(Name)]
public sealed class AlsoBesideOthersCollection
{
    internal const string Name = "real silos beside others, second row";
}

/// <summary>A third row: where tests of a real silo belong that say nothing else.</summary>
[CollectionDefinition(Name)]
public sealed class ThirdRowCollection
{
    internal const string Name = "real silos beside others, third row";
}

/// <summary>What tests of a real silo have in common: they clean up what they started, and a failure shows what the silos wrote.</summary>
[Collection(ThirdRowCollection.Name)]
public abstract class EndToEndTest : IAsyncLifetime
{
    private readonly List<SiloProcess> _silos = [];

    public virtual ValueTask InitializeAsync() => default;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var silo in _silos)
        {
            if (TestContext.Current.TestState?.Result == TestResult.Failed)
                Print($"The silo at {silo.Url} wrote:\n{silo.Output}");
            await silo.DisposeAsync();
        }
    }

    internal SiloProcess NewSilo(string? data = null) => Keep(new SiloProcess(data));

    /// <summary>A silo that is cleaned up after the test.</summary>
    internal SiloProcess Keep(SiloProcess silo)
    {
        _silos.Add(silo);
        return silo;
    }

    internal async Task<SiloProcess> StartSiloAsync(params string[] settings)
    {
        var silo = NewSilo();
        await silo.StartAsync(settings);
        return silo;
    }

    internal static void Print(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);

    /// <summary>What is asked for by an environment variable.</summary>
    internal static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : otherwise;

    /// <summary>Random, but the same again with the environment variable SEED.</summary>
    internal static Random NewRandom()
    {
        var seed = Number("SEED", Random.Shared.Next());
        Print($"SEED={seed}");
        return new(seed);
    }

    /// <summary>Waits until a condition holds that nothing can signal.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, string what, double seconds = 60)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Not within {seconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
