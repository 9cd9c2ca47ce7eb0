namespace ActorStreams.States;

/// <summary>
/// The order of keys everywhere: that of their UTF-8 bytes, which is the order of code points. .NET's ordinal order differs from it
/// where a key holds characters beyond U+FFFF, and a store's byte order does not.
/// </summary>
public sealed class KeyOrder : IComparer<string>
{
    /// <summary>The one instance.</summary>
    public static KeyOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        var same = x.AsSpan().CommonPrefixLength(y);
        if (same == x.Length || same == y.Length)
            return x.Length.CompareTo(y.Length);
        return Rank(x[same]).CompareTo(Rank(y[same]));
    }

    /// <summary>Surrogates stand for code points above every single char, so they rank last.</summary>
    private static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
}
