using ActorStreams.Benchmarks.Inputs;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Definitions;
using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Storage.Sqlite.States;
using Npgsql;

namespace ActorStreams.Benchmarks.Kafka;

/// <summary>
/// The log in (mock) Kafka; the states in SQLite, or in PostgreSQL where a connection is given. Each round is an application of its own, so
/// that its views' input logs are empty.
/// </summary>
internal sealed class KafkaParts(MockBrokers kafka, string letter, string? postgres, TemporaryDirectory directory) : SiloParts
{
    private int _round;
    private KafkaChangeLog? _log;
    private IAsyncDisposable? _store;

    public override string Application => $"{letter}{_round}";

    /// <summary>The mock answers an empty fetch only after this time, whatever comes meanwhile.</summary>
    public static KafkaOptions Options(MockBrokers kafka) =>
        new() { BootstrapServers = kafka.BootstrapServers, ChecksTopicSettings = false, Consumer = { ["fetch.wait.max.ms"] = "5" } };

    public override async Task FillAsync(Input input, Dataset entity)
    {
        await kafka.CreateTopicAsync(entity.Topic, entity.Partitions);
        await using var log = KafkaChangeLog.Open(Options(kafka));
        await AppendAsync(log, input, entity);
    }

    public override async Task<(IChangeLog Log, IStateStore Store)> OpenAsync(Topology topology)
    {
        _round++;
        foreach (var view in topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View))
            await kafka.CreateTopicAsync($"{Application}.{view.Name}.b{view.Build}.input", view.Partitions);
        await kafka.CreateTopicAsync($"{Application}.dead-letters", 1);
        _log = KafkaChangeLog.Open(Options(kafka));
        IStateStore store;
        if (postgres is null)
        {
            var sqlite = SqliteStateStore.Open(new() { Path = directory.NewFile("states") });
            (store, _store) = (sqlite, sqlite);
        }
        else
        {
            var options = new PostgresOptions { ConnectionString = postgres, Schema = "bench_" + Application.ToLowerInvariant() };
            await DropAsync(options.Schema);
            await PostgresSchema.MigrateAsync(options);
            var database = PostgresStateStore.Open(options);
            (store, _store) = (database, database);
        }

        return (_log, store);
    }

    public override async Task CloseAsync()
    {
        await _log!.DisposeAsync();
        await _store!.DisposeAsync();
        if (postgres is not null)
            await DropAsync("bench_" + Application.ToLowerInvariant());
    }

    private async Task DropAsync(string schema)
    {
        await using var source = NpgsqlDataSource.Create(postgres!);
        await using var command = source.CreateCommand($"DROP SCHEMA IF EXISTS {schema} CASCADE");
        await command.ExecuteNonQueryAsync();
    }
}
