using ActorStreams.Hosting.Settings;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Keys;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Storage.Sqlite.States;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting;

/// <summary>
/// Which change log and which state store this silo works on, as <c>Silo:Log</c> and <c>Silo:States</c> say. Nothing else knows.
/// </summary>
internal static class LogAndStates
{
    internal static void AddLogAndStates(this IServiceCollection services, IConfiguration configuration)
    {
        var options = HostingOptions.Unchecked(configuration);
        services.AddSingleton(provider => DataDirectory.Open(provider.GetRequiredService<IOptions<HostingOptions>>().Value.DataDirectory));
        if (options.Log == LogKind.Kafka)
        {
            services.AddOptions<KafkaOptions>().BindConfiguration(KafkaOptions.Section);
            services.AddSingleton<IChangeLog>(provider => KafkaChangeLog.Open(
                provider.GetRequiredService<IOptions<KafkaOptions>>().Value, provider.GetRequiredService<ILoggerFactory>(),
                provider.GetRequiredService<TimeProvider>()));
        }
        else
        {
            services.AddSingleton<IChangeLog>(
                provider => SqliteChangeLog.Open(new() { Path = provider.GetRequiredService<DataDirectory>().FilePath("log.db") }));
        }

        if (options.States == StatesKind.Postgres)
        {
            services.AddOptions<PostgresOptions>().BindConfiguration("Postgres").ValidateDataAnnotations().ValidateOnStart();
            services.AddSingleton<IStateStore>(
                provider => PostgresStateStore.Open(provider.GetRequiredService<IOptions<PostgresOptions>>().Value));
            services.AddSingleton<IAppendKeys>(provider => (PostgresStateStore)provider.GetRequiredService<IStateStore>());
        }
        else
        {
            services.AddSingleton<IStateStore>(
                provider => SqliteStateStore.Open(new() { Path = provider.GetRequiredService<DataDirectory>().FilePath("states.db") }));
            services.AddSingleton<IAppendKeys>(provider => SqliteAppendKeys.Open(
                provider.GetRequiredService<DataDirectory>().FilePath("append-keys.db"), provider.GetRequiredService<TimeProvider>()));
        }
    }
}
