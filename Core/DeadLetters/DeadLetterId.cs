using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>
/// The identity of a dead letter: the dataset that could not fold something, and its position in the input log. Written
/// <c>dataset@topic/partition:offset#index</c>.
/// </summary>
/// <param name="Dataset">The dataset.</param>
/// <param name="Position">The record of its input log.</param>
/// <param name="Index">The place among the changes of that record; 0 for an entity.</param>
public readonly record struct DeadLetterId(string Dataset, Position Position, int Index)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Dataset}@{Position}#{Index}");

    /// <summary>Reads what <see cref="ToString"/> wrote; false for any other text.</summary>
    public static bool TryParse(string? text, out DeadLetterId id)
    {
        id = default;
        if (text is null || text.IndexOf('@', StringComparison.Ordinal) is var at && at <= 0
            || text.LastIndexOf('#') is var hash && hash < at)
            return false;
        if (!Position.TryParse(text[(at + 1)..hash], null, out var position)
            || !int.TryParse(text.AsSpan(hash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return false;
        }

        id = new(text[..at], position, index);
        return true;
    }
}
