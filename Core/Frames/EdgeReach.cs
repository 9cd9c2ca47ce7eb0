using System.Buffers;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Frames;

/// <summary>
/// How far the edge from one partition of a source to a build of a view reaches (semantics §7): all keys, or those up to a cursor as long
/// as the view is backfilled. A change of a key beyond the cursor is not routed: the view will get what comes of it, by the law
/// null→a→b = null→b. It stands in the source's checkpoint.
/// </summary>
/// <remarks>
/// A chunk begins right after a checkpoint and consists of the next states that are stored there, so that a crash repeats it one for one.
/// For that its bounds stand in the edge as well. Stored form: <c>view:text build state:byte</c>, and unless the edge is whole
/// <c>sent passed chunkStates chunkBytes</c> and, where something was sent, <c>cursor:text</c>.
/// </remarks>
internal sealed class EdgeReach(string view, int build)
{
    /// <summary>States of one chunk: between two chunks stands a checkpoint.</summary>
    internal const int UsualChunkStates = 4_096;

    /// <summary>Bytes of states after which a chunk ends.</summary>
    internal const int UsualChunkBytes = 2 << 20;

    private const byte Whole = 0;
    private const byte Begun = 1;
    private const byte New = 2;

    /// <summary>The view's name.</summary>
    internal string View { get; } = view;

    /// <summary>Which build of the view.</summary>
    internal int Build { get; } = build;

    /// <summary>Whether every key is routed.</summary>
    internal bool IsWhole { get; private set; }

    /// <summary>The last key that was sent; null as long as none was.</summary>
    internal string? Cursor { get; private set; }

    /// <summary>Routes that the backfill made: the next one's index.</summary>
    internal long Sent { get; set; }

    /// <summary>States that the backfill has passed, also those that have no routes: its progress.</summary>
    internal long Passed { get; private set; }

    /// <summary>States of a chunk at the most, at least 1.</summary>
    internal int ChunkStates { get; init; } = UsualChunkStates;

    /// <summary>Bytes of states after which a chunk ends, at least 1.</summary>
    internal int ChunkBytes { get; init; } = UsualChunkBytes;

    /// <summary>An edge that reaches all keys.</summary>
    internal static EdgeReach All(string view, int build) => new(view, build) { IsWhole = true };

    /// <summary>Whether changes of a key are routed.</summary>
    internal bool Covers(string key) => IsWhole || (Cursor is not null && KeyOrder.Instance.Compare(key, Cursor) <= 0);

    /// <summary>A chunk was sent.</summary>
    /// <param name="states">How many states it had.</param>
    /// <param name="last">Its last key; null for an empty one.</param>
    /// <param name="isEnd">Nothing is left.</param>
    internal void Advance(int states, string? last, bool isEnd) => (Passed, Cursor, IsWhole) = (Passed + states, last ?? Cursor, isEnd);

    internal static byte[] Write(IEnumerable<EdgeReach> edges)
    {
        var writer = new ArrayBufferWriter<byte>();
        foreach (var edge in edges)
        {
            writer.WriteText(edge.View);
            writer.WriteVarInt((ulong)edge.Build);
            writer.Write([edge.IsWhole ? Whole : edge.Cursor is null ? New : Begun]);
            if (edge.IsWhole)
                continue;
            writer.WriteVarInt((ulong)edge.Sent);
            writer.WriteVarInt((ulong)edge.Passed);
            writer.WriteVarInt((ulong)edge.ChunkStates);
            writer.WriteVarInt((ulong)edge.ChunkBytes);
            if (edge.Cursor is not null)
                writer.WriteText(edge.Cursor);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are of another form.</exception>
    internal static List<EdgeReach> Read(ReadOnlyMemory<byte> bytes)
    {
        var edges = new List<EdgeReach>();
        var reader = new VarIntReader(bytes);
        while (!reader.AtEnd)
        {
            var (view, build, state) = (reader.ReadText(), reader.ReadCount(), reader.ReadByte());
            if (state == Whole)
            {
                edges.Add(All(view, build));
                continue;
            }

            if (state > New)
                throw new InvalidDataException($"The edge to '{view}' has the state {state}, which this program does not know.");
            var edge = new EdgeReach(view, build)
            {
                Sent = (long)reader.ReadVarInt(), Passed = (long)reader.ReadVarInt(),
                ChunkStates = reader.ReadCount(), ChunkBytes = reader.ReadCount(),
            };
            edge.Cursor = state == Begun ? reader.ReadText() : null;
            edges.Add(edge);
        }

        return edges;
    }
}
