using ActorStreams.Definitions;
using ActorStreams.Grains;

namespace ActorStreams.Silo.Api;

/// <summary>
/// The places a watch is resumed from: <c>partition:offset</c> or <c>partition:offset:index</c>, as the <c>id</c> of an event says it. Without an index
/// all changes of that record have been seen.
/// </summary>
internal static class WatchRequests
{
    internal static string IdOf(PositionReply position, int? index) => index is null
        ? string.Create(CultureInfo.InvariantCulture, $"{position.Partition}:{position.Offset}")
        : string.Create(CultureInfo.InvariantCulture, $"{position.Partition}:{position.Offset}:{index}");

    internal static bool TryParse(string? since, Dataset dataset, string key, bool mayLieElsewhere, out WatchRequest request, out string? error)
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

        if (mayLieElsewhere ? partition >= dataset.Partitions : partition != dataset.PartitionOf(key))
        {
            error = mayLieElsewhere ? $"since is '{since}', but '{dataset.Topic}' has {dataset.Partitions} partitions, numbered from 0."
                : $"since is '{since}', but the key '{key}' lies in partition {dataset.PartitionOf(key)} of '{dataset.Topic}'.";
            return false;
        }

        request = new(offset, index, partition);
        return true;
    }
}
