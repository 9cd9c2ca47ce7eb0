namespace ActorStreams.Grains;

/// <summary>The places a watch is resumed from, as text: <c>partition:offset</c> or <c>partition:offset:index</c>. Without an index all changes of that record have been seen.</summary>
public static class WatchPlace
{
    /// <summary>The text of a place.</summary>
    public static string Write(PositionReply position, int? index) => index is null
        ? string.Create(CultureInfo.InvariantCulture, $"{position.Partition}:{position.Offset}")
        : string.Create(CultureInfo.InvariantCulture, $"{position.Partition}:{position.Offset}:{index}");

    /// <summary>Reads a place; null is a watch from now on.</summary>
    /// <returns>False, and what is wrong, when the text has another form.</returns>
    public static bool TryParse(string? since, out WatchRequest request, out string? error)
    {
        (request, error) = (new(), null);
        if (since is null)
            return true;
        var parts = since.Split(':');
        var index = int.MaxValue;
        if (parts.Length is < 2 or > 3
            || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            || !long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var offset) || offset < -1
            || (parts.Length == 3 && !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out index)))
        {
            error = $"since is '{since}', but has the form partition:offset or partition:offset:index, as the id of the last event seen.";
            return false;
        }

        request = new(offset, index, partition);
        return true;
    }
}
