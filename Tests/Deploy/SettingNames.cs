using ActorStreams.Partitions;
using ActorStreams.Grains;
using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Storage.Postgres;
using SecurityOptions = ActorStreams.Hosting.Settings.SecurityOptions;
using HostingOptions = ActorStreams.Hosting.Settings.HostingOptions;

namespace ActorStreams.Tests.Deploy;

/// <summary>The settings that the code binds, by their paths.</summary>
internal static class SettingNames
{
    /// <summary>Read where the topology is built, and bound to nothing.</summary>
    private static readonly string[] Others = ["Streams:Application", "Streams:DefaultPartitions", "Logging:Console:FormatterName"];

    private static readonly Dictionary<string, Type> Sections = new()
    {
        ["Silo"] = typeof(HostingOptions),
        ["Streams"] = typeof(StreamsOptions),
        ["Kafka"] = typeof(KafkaOptions),
        ["Postgres"] = typeof(PostgresOptions),
        ["Security"] = typeof(SecurityOptions),
    };

    internal static bool Exists(string path)
    {
        if (Others.Contains(path))
            return true;
        var parts = path.Split(':');
        if (!Sections.TryGetValue(parts[0], out var type))
            return false;
        foreach (var part in parts[1..])
        {
            if (type == typeof(Dictionary<string, string>))
                return true;
            if (type.GetProperty(part)?.PropertyType is not { } next)
                return false;
            type = Nullable.GetUnderlyingType(next) ?? next;
        }

        return type != typeof(Dictionary<string, string>) && (type.IsPrimitive || type.IsEnum || type == typeof(string));
    }
}
