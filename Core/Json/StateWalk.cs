using System.Collections.Immutable;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace ActorStreams.Json;

/// <summary>Walks a type as it is written and read by JSON options; see <see cref="StateShape{TState}"/>.</summary>
internal sealed class StateWalk(JsonSerializerOptions options)
{
    /// <summary>How many samples of a type there are.</summary>
    internal const int Samples = 2;

    private const BindingFlags AllFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly HashSet<Type> FrozenCollections =
    [
        typeof(ImmutableArray<>), typeof(ImmutableList<>), typeof(ImmutableQueue<>), typeof(ImmutableStack<>), typeof(ImmutableHashSet<>),
            typeof(ImmutableSortedSet<>),
        typeof(ImmutableDictionary<,>), typeof(ImmutableSortedDictionary<,>), typeof(IImmutableList<>), typeof(IImmutableSet<>),
            typeof(IImmutableDictionary<,>),
        typeof(IReadOnlyList<>), typeof(IReadOnlyCollection<>), typeof(IReadOnlySet<>), typeof(IReadOnlyDictionary<,>),
            typeof(IEnumerable<>),
    ];

    private readonly bool _leavesPlainText = EncodedLength(StateLeaf.PlainText, options) == StateLeaf.PlainText.Length;
    private readonly Dictionary<Type, bool> _frozen = [];
    private readonly HashSet<Type> _open = [];

    /// <summary>Whether nothing can change an object of this type after it was read.</summary>
    internal bool IsFrozen(Type type)
    {
        if (_frozen.TryGetValue(type, out var known))
            return known;
        _frozen[type] = true; // a type that holds itself is frozen if the rest of it is
        return _frozen[type] = FindFrozen(type);
    }

    /// <summary>
    /// An upper bound of the bytes that a value takes as JSON, negative when its stored form would lose something; null for a type of
    /// which that cannot be said without writing it.
    /// </summary>
    /// <param name="value">The value.</param>
    /// <param name="isStored">Whether the value is read back; a computed one only takes room.</param>
    internal Expression? SizeOf(Expression value, bool isStored)
    {
        if (StateLeaf.Of(value.Type) is { } leaf)
            return IsPlain(value.Type) ? leaf.SizeOf(value, isStored) : null;
        if (Nullable.GetUnderlyingType(value.Type) is not null)
        {
            return SizeOf(Expression.Property(value, "Value"), isStored) is { } size
                ? Expression.Condition(Expression.Property(value, "HasValue"), size, Expression.Constant(StateLeaf.Null))
                : null;
        }

        return SizeOfObject(value, isStored);
    }

    /// <summary>JSON of an object of the type with something in every stored member.</summary>
    internal byte[] SampleOf(Type type, int variant) => Encoding.UTF8.GetBytes(SampleText(type, variant));

    /// <summary>Whether what was written has all members of the sample as they are there.</summary>
    internal static bool HasSample(ReadOnlySpan<byte> written, ReadOnlySpan<byte> sample) =>
        Has(JsonElement.Parse(written), JsonElement.Parse(sample));

    private static bool Has(JsonElement written, JsonElement sample) => sample.ValueKind != JsonValueKind.Object
        ? JsonElement.DeepEquals(written, sample)
        : written.ValueKind == JsonValueKind.Object && sample.EnumerateObject().All(member =>
            written.TryGetProperty(member.Name, out var other) && Has(other, member.Value));

    private string SampleText(Type type, int variant)
    {
        if (StateLeaf.Of(type) is { } leaf)
            return leaf.Sample(variant);
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return SampleText(underlying, variant);
        var members = Stored(options.GetTypeInfo(type))
            .Select(member => $"{JsonSerializer.Serialize(member.Name)}:{SampleText(member.PropertyType, variant)}");
        return "{" + string.Join(",", members) + "}";
    }

    /// <summary>Whether the serializer's own converter writes the type, or one of ours, with nothing said about it beside.</summary>
    private bool IsPlain(Type type) =>
        options.GetTypeInfo(type).Converter.GetType().Assembly is var assembly
            && (assembly == typeof(JsonSerializer).Assembly || assembly == typeof(StateWalk).Assembly);

    private static bool IsPlain(JsonPropertyInfo property) =>
        property is { CustomConverter: null, IsExtensionData: false, NumberHandling: null, ShouldSerialize: null }
            && property.AttributeProvider is PropertyInfo member
        && member.GetCustomAttribute<JsonIgnoreAttribute>() is null;

    private static bool IsSettable(JsonPropertyInfo property) => property.Set is not null || property.AssociatedParameter is not null;

    private static IEnumerable<JsonPropertyInfo> Stored(JsonTypeInfo json) =>
        json.Properties.Where(property => property.Get is not null && IsSettable(property));

    private bool IsPlainObject(JsonTypeInfo json) =>
        json is { Kind: JsonTypeInfoKind.Object, PolymorphismOptions: null, OnSerializing: null, OnSerialized: null, OnDeserializing: null,
            OnDeserialized: null, NumberHandling: null }
        && IsPlain(json.Type)
        && _leavesPlainText
        && options is { DefaultIgnoreCondition: JsonIgnoreCondition.Never, ReferenceHandler: null, IgnoreReadOnlyProperties: false,
            IncludeFields: false };

    private Expression? SizeOfObject(Expression value, bool isStored)
    {
        var json = options.GetTypeInfo(value.Type);
        if (!IsPlainObject(json) || !_open.Add(value.Type))
            return null;
        try
        {
            var local = Expression.Variable(value.Type);
            Expression sum = Expression.Constant(2L);
            HashSet<FieldInfo> covered = [];
            foreach (var property in json.Properties.Where(property => property.Get is not null))
            {
                if (!IsPlain(property))
                    return null;
                var member = Expression.Property(local, (PropertyInfo)property.AttributeProvider!);
                if (SizeOf(member, isStored && IsSettable(property)) is not { } size)
                    return null;
                if (IsSettable(property) && BackingField((PropertyInfo)property.AttributeProvider!) is { } field)
                    covered.Add(field);
                else if (!IsSettable(property))
                    size = Expression.Block(member, size); // a getter that throws is found here, and not when the state is written
                sum = Expression.Add(sum, Expression.Add(size, Expression.Constant(EncodedLength(property.Name, options) + 4L)));
            }

            if (isStored && FieldsOf(value.Type).Any(field => !covered.Contains(field)))
                return null;
            if (value.Type.IsClass)
            {
                var other = Expression.Condition(Expression.TypeEqual(local, value.Type), sum, Expression.Constant(StateLeaf.Lossy));
                sum = Expression.Condition(
                    Expression.ReferenceEqual(local, Expression.Constant(null)), Expression.Constant(StateLeaf.Null), other);
            }

            return Expression.Block([local], Expression.Assign(local, value), sum);
        }
        finally
        {
            _open.Remove(value.Type);
        }
    }

    private static int EncodedLength(string text, JsonSerializerOptions options) =>
        JsonEncodedText.Encode(text, options.Encoder).EncodedUtf8Bytes.Length;

    /// <summary>The field behind a property that does nothing but hold a value.</summary>
    private static FieldInfo? BackingField(PropertyInfo property) => property.GetMethod!.IsDefined(typeof(CompilerGeneratedAttribute))
        ? property.DeclaringType!.GetField($"<{property.Name}>k__BackingField", AllFields)
        : null;

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        for (var at = type; at is not null && at != typeof(object) && at != typeof(ValueType); at = at.BaseType)
        {
            foreach (var field in at.GetFields(AllFields))
                yield return field;
        }
    }

    private bool FindFrozen(Type type)
    {
        if (StateLeaf.Of(type) is not null)
            return true;
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return IsFrozen(underlying);
        if (type.IsGenericType && FrozenCollections.Contains(type.GetGenericTypeDefinition()))
            return type.GetGenericArguments().All(IsFrozen);
        var json = options.GetTypeInfo(type);
        if (json.Kind != JsonTypeInfoKind.Object || type == typeof(object) || !IsPlain(type))
            return false;
        return (type.IsAbstract || FieldsOf(type).All(field => (field.IsInitOnly || type.IsValueType) && IsFrozen(field.FieldType)))
            && (json.PolymorphismOptions is { } many ? many.DerivedTypes.All(derived => IsFrozen(derived.DerivedType)) : !type.IsAbstract);
    }
}
