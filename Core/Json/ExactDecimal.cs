namespace ActorStreams.Json;

/// <summary>
/// Finds where decimals lose digits. A decimal is a whole number below 2^96 (28 to 29 digits) over a power of ten of at most 28. A text
/// with more digits is rounded when it is read, and a sum that needs more is rounded by <c>+</c> and <c>-</c>, both without an error.
/// </summary>
internal static class ExactDecimal
{
    /// <summary>Any number of so few digits is held exactly.</summary>
    private const int SafeDigits = 28;

    /// <summary>2^96 / 10: a result that was rounded is never below it, since rounding keeps as many digits as fit.</summary>
    private static readonly UInt128 Full = (UInt128.One << 96) / 10;

    /// <summary>Whether a number as text may have more digits than a decimal holds; <see cref="IsExactly"/> decides.</summary>
    internal static bool MayRound(ReadOnlySpan<byte> number) => number.Length > SafeDigits || number.IndexOfAny((byte)'e', (byte)'E') >= 0;

    /// <summary>Whether a decimal has as many digits as it can have, so that it may be the rounded result of a sum.</summary>
    internal static bool IsFull(decimal value) => Mantissa(value) >= Full;

    /// <summary>Whether the value is the number that the text means, to the last digit.</summary>
    internal static bool IsExactly(decimal value, string text) =>
        Canonical(value.ToString(CultureInfo.InvariantCulture)) is var (digits, exponent) && Canonical(text) == (digits, exponent);

    /// <summary>The sum of two decimals.</summary>
    /// <exception cref="OverflowException">It is beyond the range, or needs more digits than a decimal has.</exception>
    internal static decimal Add(decimal left, decimal right)
    {
        var sum = left + right;
        if (sum.Scale < Math.Max(left.Scale, right.Scale)
            && sum.Scale < Math.Max(PlainDecimalConverter.Plain(left).Scale, PlainDecimalConverter.Plain(right).Scale))
            throw new OverflowException(
                $"The sum of {left} and {right} needs more digits than a decimal has (28): it would be rounded, "
                + "and could not be taken back.");
        return sum;
    }

    private static UInt128 Mantissa(decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        return new UInt128((uint)parts[2], ((ulong)(uint)parts[1] << 32) | (uint)parts[0]);
    }

    /// <summary>A number as its digits, without zeros at either end, and the power of ten of the last one.</summary>
    private static (string Digits, long Exponent) Canonical(string text)
    {
        var mark = text.IndexOfAny(['e', 'E']);
        var exponent = 0L;
        if (mark >= 0 && !long.TryParse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            exponent = long.MaxValue / 2;
        var mantissa = (mark < 0 ? text : text[..mark]).Trim();
        var negative = mantissa.StartsWith('-');
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
            exponent -= mantissa.Length - point - 1;
        var digits = mantissa.TrimStart('-', '+').Replace(".", "", StringComparison.Ordinal).TrimStart('0');
        var kept = digits.TrimEnd('0');
        return kept.Length == 0 ? ("0", 0) : ((negative ? "-" : "") + kept, exponent + digits.Length - kept.Length);
    }
}
