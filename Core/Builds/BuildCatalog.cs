using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Definitions;
using ActorStreams.States;

namespace ActorStreams.Builds;

/// <summary>
/// All builds of an application, and which of each dataset readers get. It is one small text in the state store, and changes only as a
/// whole, on condition that nobody else has changed it: so a cutover of many datasets is one step.
/// </summary>
public sealed record BuildCatalog
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>How often the catalog was written; 0 when it never was.</summary>
    [JsonIgnore]
    public long Number { get; init; }

    /// <summary>The builds that exist, in the order in which they were made: sources before what reads them.</summary>
    public IReadOnlyList<Build> Builds { get; init; } = [];

    /// <summary>For each dataset the number of the build that readers get.</summary>
    public IReadOnlyDictionary<string, int> Active { get; init; } = new Dictionary<string, int>();

    /// <summary>For each dataset the number of the build that readers got before, to roll back to.</summary>
    public IReadOnlyDictionary<string, int> Previous { get; init; } = new Dictionary<string, int>();

    /// <summary>For each dataset the highest number that was ever given.</summary>
    public IReadOnlyDictionary<string, int> Numbers { get; init; } = new Dictionary<string, int>();

    /// <summary>For each dataset how often it was asked to be rebuilt.</summary>
    public IReadOnlyDictionary<string, int> Rounds { get; init; } = new Dictionary<string, int>();

    /// <summary>Datasets whose readers were moved by a command: no build takes over by itself until the next one is made.</summary>
    public IReadOnlyList<string> Held { get; init; } = [];

    /// <summary>Reads what the store has.</summary>
    /// <exception cref="InvalidDataException">It is no catalog that this program can read.</exception>
    public static BuildCatalog Read(StoredCatalog stored)
    {
        if (stored.Number == 0)
            return new();
        try
        {
            return JsonSerializer.Deserialize<BuildCatalog>(stored.Text, Json)! with { Number = stored.Number };
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"The stored catalog of builds (number {stored.Number}) cannot be read by this program: {error.Message} Run a newer one.",
                error);
        }
    }

    /// <summary>What the store is to have in place of this one's predecessor.</summary>
    public StoredCatalog ToStored() => new(Number + 1, JsonSerializer.Serialize(this, Json));

    /// <summary>The build of this name; null when there is none.</summary>
    public Build? Find(BuildId id) => Builds.FirstOrDefault(build => build.Id == id);

    /// <summary>The build that readers of a dataset get; null when there is none.</summary>
    public Build? ActiveOf(string dataset) => Active.TryGetValue(dataset, out var number) ? Find(new(dataset, number)) : null;

    /// <summary>Whether readers get this build.</summary>
    public bool IsActive(Build build) => Active.TryGetValue(build.Dataset, out var number) && number == build.Number;

    /// <summary>
    /// The builds that readers are to be moved to: of each dataset the newest that is folded, where readers get an older one, or one that
    /// nobody folds any more. The latter is so after a deployment was taken back: what readers had before is folded again.
    /// </summary>
    /// <param name="isFolded">Whether there is a silo that knows a build's definition.</param>
    public IReadOnlyList<Build> Due(Func<Build, bool> isFolded) =>
    [
        .. Active.Keys.Select(name => Builds.LastOrDefault(build => build.Dataset == name && build.IsWhole && isFolded(build)))
            .OfType<Build>().Where(build => build.Number > Active[build.Dataset]
                || (!IsActive(build) && ActiveOf(build.Dataset) is { } active && !isFolded(active))),
    ];

    /// <summary>The builds that are fed by this one.</summary>
    public IEnumerable<Build> DependentsOf(BuildId id) => Builds.Where(build => build.Sources.Contains(id));

    /// <summary>The newest build of a dataset; null when there is none.</summary>
    public Build? NewestOf(string dataset) => Builds.LastOrDefault(build => build.Dataset == dataset);

    /// <summary>The catalog with a build changed.</summary>
    public BuildCatalog With(BuildId id, Func<Build, Build> change) =>
        this with { Builds = [.. Builds.Select(build => build.Id == id ? change(build) : build)] };

    internal static IReadOnlyDictionary<string, int> With(IReadOnlyDictionary<string, int> numbers, string dataset, int number) =>
        new Dictionary<string, int>(numbers) { [dataset] = number };
}
