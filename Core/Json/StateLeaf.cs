using System.Buffers;
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

    /// <summary>Characters that take one byte each, by any usual encoder of JSON.</summary>
    internal const string PlainText = " !#$%()*,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";

    // Each with the quotes that a number has where it is written as text.
    private const long MaxByte = 6;
    private const long MaxShort = 8;
    private const long MaxInt = 13;
    private const long MaxLong = 22;
    private const long MaxSingle = 18;
    private const long MaxDouble = 26;
    private const long MaxDecimal = 34;
    private const long MaxTime = 48;

    private static readonly SearchValues<char> PlainCharacters = SearchValues.Create(PlainText);

    private static readonly Dictionary<Type, StateLeaf> Leaves = new()
    {
        [typeof(bool)] = new(5, null, "true", "false"),
        [typeof(byte)] = Whole(MaxByte), [typeof(sbyte)] = Whole(MaxByte), [typeof(short)] = Whole(MaxShort),
        [typeof(ushort)] = Whole(MaxShort), [typeof(int)] = Whole(MaxInt), [typeof(uint)] = Whole(MaxInt), [typeof(long)] = Whole(MaxLong),
        [typeof(ulong)] = Whole(MaxLong),
        [typeof(float)] = Asked(nameof(OfSingle), MaxSingle, "7.5", "0.25"),
        [typeof(double)] = Asked(nameof(OfDouble), MaxDouble, "7.5", "0.25"),
        [typeof(decimal)] = Asked(nameof(OfDecimal), MaxDecimal, "7.5", "12"),
        [typeof(string)] = Asked(nameof(OfString), null, "\" Ab1 \"", "\"zz\u00e9\""),
        [typeof(Guid)] = new(MaxTime, null, "\"6f9619ff-8b86-d011-b42d-00c04fc964ff\"", "\"7f9619ff-8b86-d011-b42d-00c04fc964ff\""),
        [typeof(DateTimeOffset)] = new(MaxTime, null, "\"2024-01-02T03:04:05.6+02:00\"", "\"1999-12-31T23:59:59+00:00\""),
        [typeof(DateTime)] = Asked(nameof(OfDateTime), MaxTime, "\"2024-01-02T03:04:05.6Z\"", "\"1999-12-31T23:59:59Z\""),
        [typeof(DateOnly)] = new(MaxTime, null, "\"2024-01-02\"", "\"1999-12-31\""),
        [typeof(TimeOnly)] = new(MaxTime, null, "\"03:04:05\"", "\"23:59:59\""),
        [typeof(TimeSpan)] = new(MaxTime, null, "\"03:04:05\"", "\"1.23:59:59\""),
    };

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

    private static StateLeaf Whole(long maxBytes) => new(maxBytes, null, "7", "12");

    private static StateLeaf Asked(string method, long? maxBytes, string first, string second) =>
        new(maxBytes, typeof(StateLeaf).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static), first, second);

    /// <summary>An enum is written as a number, or by name where the options or the type say so: one name, or of flags several.</summary>
    private static StateLeaf EnumOf(Type type)
    {
        var value = type.GetEnumValuesAsUnderlyingType() is { Length: > 0 } values
            ? Convert.ToString(values.GetValue(0), CultureInfo.InvariantCulture)!
            : "0";
        var names = Enum.GetNames(type).Select(name => (6L * name.Length) + 2).DefaultIfEmpty();
        var named = type.IsDefined(typeof(FlagsAttribute), inherit: false) ? names.Sum() : names.Max();
        return new(Math.Max(MaxLong, named), null, value, value);
    }

    private static long OfString(string? value) => value is null ? Null
        : !value.AsSpan().ContainsAnyExcept(PlainCharacters) ? value.Length + 2L
        : HasLoneSurrogate(value) ? Lossy : (6L * value.Length) + 2;

    private static long OfDecimal(decimal value)
    {
        // A trailing zero, or the sign of zero, would be lost.
        var plain = value.Scale == 0 ? value != 0 || !decimal.IsNegative(value) : PlainDecimalConverter.Plain(value).Scale == value.Scale;
        return plain && !ExactDecimal.IsFull(value) ? MaxDecimal : Lossy;
    }

    private static long OfDouble(double value) => double.IsFinite(value) ? MaxDouble : Lossy;

    private static long OfSingle(float value) => float.IsFinite(value) ? MaxSingle : Lossy;

    private static long OfDateTime(DateTime value) => value.Kind == DateTimeKind.Utc ? MaxTime : Lossy;
}
