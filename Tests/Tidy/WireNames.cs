using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ActorStreams.Tests.Tidy;

/// <summary>What HTTP says: the names of the members of each record in JSON, and the words of each enum.</summary>
internal static class WireNames
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    internal static string Show(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().Where(type => !type.IsAbstract && !type.ContainsGenericParameters)
            .OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            if (type.IsEnum)
                ShowWords(type, text);
            else if (Json.GetTypeInfo(type) is { Kind: JsonTypeInfoKind.Object } record)
                ShowMembers(type, record, text);
        }

        return text.ToString();
    }

    private static void ShowWords(Type type, StringBuilder text) =>
        text.AppendLine(CultureInfo.InvariantCulture, $"{type.Name}: {Words(type, Json)}");

    private static string Words(Type type, JsonSerializerOptions json) =>
        string.Join(" | ", Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.Serialize(value, type, json).Trim('"')));

    private static void ShowMembers(Type type, JsonTypeInfo record, StringBuilder text)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"{type.Name}");
        foreach (var member in record.Properties.OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            var optional = member.ShouldSerialize is null ? "" : "?";
            // The enum of another room has its words where it is a member.
            var words = member is { PropertyType.IsEnum: true, CustomConverter: { } converter }
                ? $" ({Words(member.PropertyType, new() { Converters = { converter } })})"
                : "";
            text.AppendLine(
                CultureInfo.InvariantCulture, $"  {member.Name}{optional}: {GrainContracts.Name(member.PropertyType)}{words}");
        }
    }
}
