using ActorStreams.Client;
using ActorStreams.MockKafka;
using ActorStreams.Storage.Postgres;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Storage.Postgres;

namespace ActorStreams.Tests.Cluster;

/// <summary>Silos as processes, on a log in Kafka (the mock or real brokers) and states in a real PostgreSQL.</summary>
internal sealed class SiloCluster : IAsyncDisposable
{
    private readonly List<SiloProcess> _silos = [];
    private readonly List<string> _settings;

    private SiloCluster(ITestBrokers kafka, PostgresServer postgres, PostgresOptions database, string[] settings)
    {
        (Kafka, Postgres, Database) = (kafka, postgres, database);
        _settings =
        [
            "--Silo:Log=kafka", "--Silo:States=postgres", $"--Kafka:BootstrapServers={kafka.BootstrapServers}",
            $"--Postgres:ConnectionString={database.ConnectionString}",
            // The mock answers an empty fetch only after this time, whatever comes meanwhile.
            "--Kafka:Consumer:fetch.wait.max.ms=10", $"--Kafka:ChecksTopicSettings={kafka is not MockBrokers}", .. settings,
        ];
    }

    internal ITestBrokers Kafka { get; }

    internal PostgresServer Postgres { get; }

    internal PostgresOptions Database { get; }

    internal IReadOnlyList<SiloProcess> Silos => _silos;

    /// <summary>A client of a silo that runs.</summary>
    internal ActorStreamsClient Client => _silos.First(silo => silo.Runs).Client;

    /// <summary>Brokers with these topics, a fresh database, and no silo yet.</summary>
    /// <param name="topics">Topics with their partitions: the mock makes none by itself.</param>
    /// <param name="settings">Settings of every silo.</param>
    internal static async Task<SiloCluster> StartAsync(IEnumerable<(string Topic, int Partitions)> topics, params string[] settings) =>
        await StartAsync(await MockBrokers.StartAsync(brokers: 3), topics, settings);

    /// <summary>The same on these brokers, which end with the cluster.</summary>
    internal static async Task<SiloCluster> StartAsync(
        ITestBrokers kafka, IEnumerable<(string Topic, int Partitions)> topics, params string[] settings)
    {
        var postgres = await PostgresServer.StartNewAsync();
        foreach (var (topic, partitions) in topics)
        {
            await kafka.CreateTopicAsync(topic, partitions, replication: 3);
            if (kafka is RealKafka real)
                await real.ConfigureTopicAsync(topic, "min.insync.replicas", "2");
        }

        return new(kafka, postgres, await postgres.NewDatabaseAsync(), settings);
    }

    /// <summary>One more silo, not yet started.</summary>
    /// <param name="program">What is run, as <see cref="SiloProcess.Program"/> has it: the stock silo when nothing is given.</param>
    internal SiloProcess NewSilo(params string[] program)
    {
        var silo = new SiloProcess
        {
            Program = program is [] ? ["ActorStreams.Silo.dll"] : program,
            Settings = [.. _settings, $"--Silo:Name=silo-{_silos.Count + 1}"],
        };
        silo.Variables["DOTNET_GCgen0size"] = "4000000"; // as the manifests have it
        _silos.Add(silo);
        return silo;
    }

    internal async Task StartSilosAsync(int count, string? program = null)
    {
        var silos = Enumerable.Range(0, count).Select(_ => NewSilo(program is null ? [] : [program])).ToList();
        await Task.WhenAll(silos.Select(silo => silo.StartAsync()));
    }

    /// <summary>All that the silos wrote, for a test that failed.</summary>
    internal void Print()
    {
        foreach (var silo in _silos)
            EndToEndTest.Print($"The silo at {silo.Url} wrote:\n{silo.Output}");
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            Print();
        await Task.WhenAll(_silos.Select(silo => silo.DisposeAsync().AsTask()));
        await Kafka.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}
