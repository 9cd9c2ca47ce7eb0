using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.States;

/// <summary>What one command writes of a checkpoint: a range of each of its four lists.</summary>
internal readonly record struct CheckpointPart(Range Upserts, Range Deletes, Range ContributionUpserts, Range ContributionDeletes)
{
    /// <summary>Cuts a checkpoint into parts of bounded size, one at least.</summary>
    public static IReadOnlyList<CheckpointPart> Cut(CheckpointWrite write, int maxRows, long maxBytes)
    {
        var parts = new List<CheckpointPart>();
        int states = 0, deletes = 0, contributions = 0, removals = 0;
        do
        {
            var room = new Room(maxRows, maxBytes);
            parts.Add(new(
                room.Take(write.Upserts, ref states, static s => s.Key.Length + s.State.Length),
                room.Take(write.Deletes, ref deletes, static key => key.Length),
                room.Take(write.ContributionUpserts, ref contributions, static c => c.Id.Key.Length + c.Id.Element.Length + c.Value.Length),
                room.Take(write.ContributionDeletes, ref removals, static id => id.Key.Length + id.Element.Length)));
        }
        while (states < write.Upserts.Count || deletes < write.Deletes.Count
            || contributions < write.ContributionUpserts.Count || removals < write.ContributionDeletes.Count);
        return parts;
    }

    public NpgsqlParameter[] Parameters(CheckpointWrite write)
    {
        var upserts = Slice(write.Upserts, Upserts);
        var contributions = Slice(write.ContributionUpserts, ContributionUpserts);
        return
        [
            PostgresValue.Array(PostgresValue.Keys([.. upserts.Select(s => s.Key)])),
            PostgresValue.Array([.. upserts.Select(s => s.State)]),
            PostgresValue.Array([.. upserts.Select(s => s.Offset)]), PostgresValue.Array([.. upserts.Select(s => s.Timestamp)]),
            PostgresValue.Array(PostgresValue.Keys(Slice(write.Deletes, Deletes))),
            .. PostgresValue.Ids([.. contributions.Select(c => c.Id)]), PostgresValue.Array([.. contributions.Select(c => c.Value)]),
            .. PostgresValue.Ids(Slice(write.ContributionDeletes, ContributionDeletes)),
        ];
    }

    private static T[] Slice<T>(IReadOnlyList<T> list, Range range)
    {
        var (offset, length) = range.GetOffsetAndLength(list.Count);
        var slice = new T[length];
        for (var i = 0; i < length; i++)
            slice[i] = list[offset + i];
        return slice;
    }

    /// <summary>What is left of one command. The first row always has room.</summary>
    private sealed class Room(int maxRows, long maxBytes)
    {
        private int _rows;
        private long _bytes;

        public Range Take<T>(IReadOnlyList<T> rows, ref int at, Func<T, int> size)
        {
            var from = at;
            for (; at < rows.Count && _rows < maxRows; at++)
            {
                _bytes += size(rows[at]);
                if (_bytes > maxBytes && _rows > 0)
                    break;
                _rows++;
            }

            return from..at;
        }
    }
}
