using System.Linq.Expressions;
using System.Reflection;

namespace ActorStreams.Json;

/// <summary>
/// A type of values that hold no others: how many bytes one takes as JSON at most, and whether its stored form is all of it.
/// </summary>
/// <param name="MaxBytes">The bytes that any value takes at most; null for text.</param>
/// <param name="SizeOfValue">A method of <see cref="StateLeaf"/>: the bytes of a value, negative where its stored form would lose
/// something; null where it never does.</param>
/// <param name="First">A sample, as JSON.</param>
/// <param name="Second">Another sample.</param>
internal sealed record StateLeaf(long? MaxBytes, MethodInfo? SizeOfValue, string First, string Second)
{
    /// <summary>The literal null.</summary>
    internal const long Null = 4;

    /// <summary>So far below zero that no other size makes up for it.</summary>
    internal const long Lossy = long.MinValue / (1 << 20);

    private const long MaxNumber = 40;
    private const long MaxTime = 48;

    private static readonly Dictionary<Type, StateLeaf> Leaves = new()
    {
        [typeof(bool)] = new(5, null, "true", "false"),
        [typeof(byte)] = Number, [typeof(sbyte)] = Number, [typeof(short)] = Number, [typeof(ushort)] = Number,
        [typeof(int)] = Number, [typeof(uint)] = Number, [typeof(long)] = Number, [typeof(ulong)] = Number,
        [typeof(float)] = Asked(nameof(OfSingle), MaxNumber, "7.5", "0.25"),
        [typeof(double)] = Asked(nameof(OfDouble), MaxNumber, "7.5", "0.25"),
        [typeof(decimal)] = Asked(nameof(OfDecimal), MaxNumber, "7.5", "12"),
        [typeof(string)] = Asked(nameof(OfString), null, "\" Ab1 \"", "\"zz\u00e9\""),
        [typeof(Guid)] = new(MaxTime, null, "\"6f9619ff-8b86-d011-b42d-00c04fc964ff\"", "\"7f9619ff-8b86-d011-b42d-00c04fc964ff\""),
        [typeof(DateTimeOffset)] = new(MaxTime, null, "\"2024-01-02T03:04:05.6+02:00\"", "\"1999-12-31T23:59:59+00:00\""),
        [typeof(DateTime)] = Asked(nameof(OfDateTime), MaxTime, "\"2024-01-02T03:04:05.6Z\"", "\"1999-12-31T23:59:59Z\""),
        [typeof(DateOnly)] = new(MaxTime, null, "\"2024-01-02\"", "\"1999-12-31\""),
        [typeof(TimeOnly)] = new(MaxTime, null, "\"03:04:05\"", "\"23:59:59\""),
        [typeof(TimeSpan)] = new(MaxTime, null, "\"03:04:05\"", "\"1.23:59:59\""),
    };

    private static StateLeaf Number => new(MaxNumber, null, "7", "12");

    /// <summary>The leaf of a type; null for one that holds others.</summary>
    internal static StateLeaf? Of(Type type) => Leaves.TryGetValue(type, out var leaf) ? leaf : type.IsEnum ? EnumOf(type) : null;

    internal string Sample(int variant) => variant == 0 ? First : Second;

    internal Expression SizeOf(Expression value, bool isStored)
    {
        // A computed value need not read back, but a decimal that may have been rounded has to be seen.
        if (MaxBytes is { } bytes && (SizeOfValue is null || !(isStored || value.Type == typeof(decimal))))
            return Expression.Constant(bytes);
        return Expression.Call(SizeOfValue!, value);
    }

    /// <summary>Whether a text has no UTF-8 form of its own: a half of a surrogate pair stands alone.</summary>
    internal static bool HasLoneSurrogate(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0; at = text.IndexOfAnyInRange('\uD800', '\uDFFF'))
        {
            if (!char.IsHighSurrogate(text[at]) || at + 1 >= text.Length || !char.IsLowSurrogate(text[at + 1]))
                return true;
            text = text[(at + 2)..];
        }

        return false;
    }

    private static StateLeaf Asked(string method, long? maxBytes, string first, string second) =>
        new(maxBytes, typeof(StateLeaf).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static), first, second);

    /// <summary>An enum is written by name where the options or the type say so: the longest set of names, or the number.</summary>
    private static StateLeaf EnumOf(Type type)
    {
        var value = type.GetEnumValuesAsUnderlyingType() is { Length: > 0 } values
            ? Convert.ToString(values.GetValue(0), CultureInfo.InvariantCulture)!
            : "0";
        return new(Math.Max(MaxNumber, Enum.GetNames(type).Sum(name => (6L * name.Length) + 2)), null, value, value);
    }

    private static long OfString(string? value) => value is null ? Null : HasLoneSurrogate(value) ? Lossy : (6L * value.Length) + 2;

    private static long OfDecimal(decimal value)
    {
        // A trailing zero, or the sign of zero, would be lost.
        var plain = value.Scale == 0 ? value != 0 || !decimal.IsNegative(value) : PlainDecimalConverter.Plain(value).Scale == value.Scale;
        return plain && !ExactDecimal.IsFull(value) ? MaxNumber : Lossy;
    }

    private static long OfDouble(double value) => double.IsFinite(value) ? MaxNumber : Lossy;

    private static long OfSingle(float value) => float.IsFinite(value) ? MaxNumber : Lossy;

    private static long OfDateTime(DateTime value) => value.Kind == DateTimeKind.Utc ? MaxTime : Lossy;
}
