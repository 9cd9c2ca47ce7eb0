using System.Collections;
using System.Reflection;
using ActorStreams.Kafka.Clients;
using ActorStreams.Partitions;
using ActorStreams.Storage.Postgres;

namespace ActorStreams.Hosting.Settings;

/// <summary>Finds settings in our sections that no option has: a name that is misspelt would otherwise be ignored.</summary>
public static class UnknownSettings
{
    private const int MaxDistance = 3;

    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Silo"] = typeof(HostingOptions),
        ["Streams"] = typeof(StreamsOptions),
        ["Kafka"] = typeof(KafkaOptions),
        ["Postgres"] = typeof(PostgresOptions),
        ["Security"] = typeof(SecurityOptions),
    };

    // Read where the topology is built, and bound to nothing.
    private static readonly string[] OfTheTopology = ["Streams:Application", "Streams:DefaultPartitions"];

    /// <summary>The sections that are ours.</summary>
    public static IEnumerable<string> SectionNames => Sections.Keys;

    /// <summary>A sentence for each setting of our sections that does not exist, with the name that was probably meant.</summary>
    public static IEnumerable<string> Find(IConfiguration settings) =>
        Sections.SelectMany(section => Below(settings.GetSection(section.Key), section.Value));

    /// <summary>Of some names the one that was probably meant; null when none is near.</summary>
    public static string? Nearest(string name, IEnumerable<string> names)
    {
        var nearest = names.Select(known => (Name: known, Distance: Distance(name.ToUpperInvariant(), known.ToUpperInvariant())))
            .DefaultIfEmpty((Name: "", Distance: int.MaxValue)).MinBy(known => known.Distance);
        return nearest.Distance <= Math.Min(MaxDistance, Math.Max(1, name.Length / 2)) ? nearest.Name : null;
    }

    private static IEnumerable<string> Below(IConfigurationSection section, Type type)
    {
        var members = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(member => member.CanWrite).ToDictionary(
            member => member.Name, member => Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType,
            StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren().Where(child => !OfTheTopology.Contains(child.Path, StringComparer.OrdinalIgnoreCase)))
        {
            if (!members.TryGetValue(child.Key, out var member))
            {
                var meant = Nearest(child.Key, members.Keys);
                yield return $"There is no setting '{child.Path}'.{(meant is null ? "" : $" Did you mean '{section.Path}:{meant}'?")}";
            }
            else if (HasMembers(member))
            {
                foreach (var fault in Below(child, member))
                    yield return fault;
            }
        }
    }

    private static bool HasMembers(Type type) => type.IsClass && type != typeof(string) && !type.IsAssignableTo(typeof(IEnumerable));

    /// <summary>How many letters must be changed, added or removed (Levenshtein).</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
                (row[j], diagonal) = (Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1)), row[j]);
        }

        return row[^1];
    }
}
