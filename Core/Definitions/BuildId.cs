namespace ActorStreams.Definitions;

/// <summary>A build's name: <c>dataset@number</c>.</summary>
public readonly record struct BuildId(string Dataset, int Number)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Dataset}@{Number}");

    /// <summary>By what its partitions are addressed: one that was folded before there were builds, by its dataset's name.</summary>
    internal string Address(bool isBeforeEdges) => isBeforeEdges ? Dataset : ToString();

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string text, out BuildId id)
    {
        var at = text.LastIndexOf('@');
        var isOne = int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && at > 0;
        id = isOne ? new(text[..at], number) : default;
        return isOne;
    }
}
