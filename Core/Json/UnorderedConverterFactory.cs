using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Json;

/// <summary>
/// Collections without an order of their own are written in one fixed order: sets by their elements, dictionaries by their keys. An
/// <see cref="ImmutableHashSet{T}"/>
/// enumerates by hash codes, which differ from process to process, so that equal states would be stored as different texts.
/// A collection declared as an interface is ordered where the value is a set.
/// </summary>
internal sealed class UnorderedConverterFactory : JsonConverterFactory
{
    private static readonly FrozenSet<Type> Sets =
    [
        .. new[]
        {
            typeof(HashSet<>), typeof(ISet<>), typeof(IReadOnlySet<>), typeof(ImmutableHashSet<>), typeof(IImmutableSet<>),
                typeof(SortedSet<>), typeof(ImmutableSortedSet<>),
            typeof(IEnumerable<>), typeof(ICollection<>), typeof(IReadOnlyCollection<>),
        },
    ];

    private static readonly FrozenSet<Type> Maps =
    [
        .. new[]
        {
            typeof(Dictionary<,>), typeof(IDictionary<,>), typeof(IReadOnlyDictionary<,>), typeof(ImmutableDictionary<,>),
                typeof(IImmutableDictionary<,>), typeof(ConcurrentDictionary<,>),
            typeof(SortedDictionary<,>), typeof(ImmutableSortedDictionary<,>),
        },
    ];

    /// <summary>For each options object the same without this converter: what reads.</summary>
    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<JsonSerializerOptions, JsonSerializerOptions> _without = [];

    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() is var definition
        && (Sets.Contains(definition) || (Maps.Contains(definition) && !MayBeExtensionData(typeToConvert)));

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options)
    {
        var arguments = typeToConvert.GetGenericArguments();
        var converter = arguments.Length == 1
            ? typeof(SetConverter<,>).MakeGenericType(typeToConvert, arguments[0])
            : typeof(MapConverter<,,>).MakeGenericType(typeToConvert, arguments[0], arguments[1]);
        return (JsonConverter)Activator.CreateInstance(converter, _without.GetValue(options, Without))!;
    }

    /// <summary>What <see cref="JsonExtensionDataAttribute"/> may stand on: such a member takes no converter.</summary>
    private static bool MayBeExtensionData(Type type) =>
        type.GetGenericArguments() is [var key, var value] && key == typeof(string)
            && (value == typeof(object) || value == typeof(JsonElement));

    private static JsonSerializerOptions Without(JsonSerializerOptions options)
    {
        var without = new JsonSerializerOptions(options);
        foreach (var factory in without.Converters.OfType<UnorderedConverterFactory>().ToList())
            without.Converters.Remove(factory);
        without.MakeReadOnly();
        return without;
    }
}
