using System.Reflection;
using System.Text;

namespace ActorStreams.Tests.Tidy;

/// <summary>
/// What silos and clients of different versions must agree on: the aliases of grain interfaces, their methods and
/// messages, and the ids of their members.
/// </summary>
internal static class GrainContracts
{
    internal static string Show(Assembly assembly)
    {
        var text = new StringBuilder();
        var types = assembly.GetTypes().Where(type => type.Namespace?.StartsWith("OrleansCodeGen", StringComparison.Ordinal) == false);
        foreach (var type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            if (type.IsInterface && typeof(IAddressable).IsAssignableFrom(type))
                ShowInterface(type, text);
            else if (type.IsDefined(typeof(GenerateSerializerAttribute)))
                ShowMessage(type, text);
        }

        return text.ToString();
    }

    private static void ShowInterface(Type type, StringBuilder text)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"interface {Alias(type)} ({Name(type)})");
        foreach (var method in type.GetMethods().OrderBy(method => method.Name, StringComparer.Ordinal))
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"  {Alias(method)}: {Name(method.ReturnType)} "
                + $"{method.Name}({string.Join(", ", method.GetParameters().Select(p => Name(p.ParameterType)))})");
    }

    private static void ShowMessage(Type type, StringBuilder text)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"message {Alias(type)} ({Name(type)})");
        var members = type.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(member => member is PropertyInfo or FieldInfo && member.IsDefined(typeof(IdAttribute)))
            .Select(member => (member.GetCustomAttribute<IdAttribute>()!.Id,
                Text: $"{Name(member is PropertyInfo property ? property.PropertyType : ((FieldInfo)member).FieldType)} {member.Name}"));
        foreach (var (id, member) in members.OrderBy(member => member.Id))
            text.AppendLine(CultureInfo.InvariantCulture, $"  {id}: {member}");
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetValues(type))
                text.AppendLine(CultureInfo.InvariantCulture, $"  {Convert.ToInt64(value, CultureInfo.InvariantCulture)}: {value}");
        }
    }

    private static string Alias(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>()?.Alias ?? "NO ALIAS";

    internal static string Name(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.Name;
}
