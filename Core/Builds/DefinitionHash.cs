using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Schema;
using ActorStreams.Definitions;

namespace ActorStreams.Builds;

/// <summary>
/// What of a definition must stay the same for folding to go on with the states of a build: name, version, the shapes of state and event,
/// limits and options, the source topic or the builds of the sources, and a view's partitions. What code does inside a fold shows in none
/// of these: for that an author raises the version.
/// </summary>
internal static class DefinitionHash
{
    private const int HexDigits = 16;

    internal static string Of(Dataset dataset, IReadOnlyList<BuildId> sources, int round)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{dataset.Kind} {dataset.Name} {dataset.Version} {round}");
        text.AppendLine(ShapeOf(dataset.StateType, dataset.Json));
        text.AppendLine(dataset.Accept(Describe.Instance));
        text.AppendLine(CultureInfo.InvariantCulture, $"{dataset.MaxStateBytes}");
        foreach (var source in sources)
            text.AppendLine(source.ToString());
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..HexDigits];
    }

    /// <summary>The shape of a type as it is stored: its JSON schema, on one line.</summary>
    internal static string ShapeOf(Type type, JsonSerializerOptions json)
    {
        try
        {
            return json.GetJsonSchemaAsNode(type).ToJsonString();
        }
        catch (Exception error) when (error is NotSupportedException or InvalidOperationException)
        {
            return $"\"{type.FullName}\""; // its own converter says nothing of the form
        }
    }

    private sealed class Describe : IDatasetVisitor<string>
    {
        internal static Describe Instance { get; } = new();

        public string Entity<TState>(EntityDataset<TState> dataset)
            where TState : class =>
            $"{dataset.Topic} {dataset.TakesEmptyAsTombstone} {dataset.IsLatestByTime} {ShapeOf(dataset.Fold.EventType, dataset.Json)}";

        public string View<TState>(ViewDataset<TState> dataset)
            where TState : class =>
            string.Create(CultureInfo.InvariantCulture, $"{dataset.Partitions} {dataset.MaxKeysPerState}");
    }
}
