using System.Buffers;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Frames;

/// <summary>
/// How far the edge from one partition of a source to a build of a view reaches (semantics §7): all keys, or those up to a cursor as long
/// as the view is backfilled. A change of a key beyond the cursor is not routed: the view will get what comes of it, by the law
/// null→a→b = null→b. It stands in the source's checkpoint, and goes through these stages:
/// <code>
/// Resting ─► Fencing ─► Planned ─► Resting, one chunk further ─► … ─► Whole
/// </code>
/// A chunk changes which changes are routed. So everybody who folds the records after it must have sent it, one for one, whenever it begins
/// and whatever crashes (an owner may have been ahead of its checkpoint, and another may still believe that it owns the partition):
/// <list type="number">
/// <item>Fencing. A checkpoint raises the edge's epoch. Frames say theirs; before anything else is folded, an empty frame of the new epoch
/// goes to every partition of the view, and from there on frames of epochs before do not count.</item>
/// <item>Planned. Then the end of the input log is taken: whatever counts was made by a record before it. A second checkpoint says that the
/// chunk is sent there. Nothing was folded in between, so in this epoch everybody knows.</item>
/// <item>At that offset the chunk consists of the next states after the cursor, which are a function of the log. Its bounds stand in the
/// edge as well.</item>
/// </list>
/// </summary>
/// <remarks>
/// Stored form: <c>view:text build stage:byte epoch</c>, and unless it is whole <c>sent passed chunkStates chunkBytes chunkAt
/// hasCursor:byte</c> and <c>cursor:text</c> where it has one.
/// </remarks>
internal sealed class EdgeReach(string view, int build)
{
    /// <summary>States of one chunk.</summary>
    internal const int UsualChunkStates = 16_384;

    /// <summary>Bytes of states after which a chunk ends.</summary>
    internal const int UsualChunkBytes = 4 << 20;

    /// <summary>The stages of a backfill.</summary>
    internal enum Stages : byte
    {
        /// <summary>Every key is routed.</summary>
        Whole = 0,

        /// <summary>Keys up to the cursor are routed.</summary>
        Resting = 1,

        /// <summary>The epoch was raised; nothing is folded before the view's partitions have been told.</summary>
        Fencing = 2,

        /// <summary>The next chunk is sent at <see cref="ChunkAt"/>.</summary>
        Planned = 3,
    }

    /// <summary>The view's name.</summary>
    internal string View { get; } = view;

    /// <summary>Which build of the view.</summary>
    internal int Build { get; } = build;

    /// <summary>The stage.</summary>
    internal Stages Stage { get; private set; } = Stages.Resting;

    /// <summary>How often the frames of this edge were fenced.</summary>
    internal long Epoch { get; private set; }

    /// <summary>The offset before whose record the next chunk is sent.</summary>
    internal long ChunkAt { get; private set; }

    /// <summary>Whether every key is routed.</summary>
    internal bool IsWhole => Stage == Stages.Whole;

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
    internal static EdgeReach All(string view, int build) => new(view, build) { Stage = Stages.Whole };

    /// <summary>Whether changes of a key are routed.</summary>
    internal bool Covers(string key) => IsWhole || (Cursor is not null && KeyOrder.Instance.Compare(key, Cursor) <= 0);

    /// <summary>Begins a new epoch.</summary>
    internal void Fence() => (Stage, Epoch) = (Expect(Stages.Resting, Stages.Fencing), Epoch + 1);

    /// <summary>The view's partitions have been told: the chunk comes before the record of an offset.</summary>
    internal void Plan(long chunkAt) => (Stage, ChunkAt) = (Expect(Stages.Fencing, Stages.Planned), chunkAt);

    /// <summary>A chunk was sent.</summary>
    /// <param name="states">How many states it had.</param>
    /// <param name="last">Its last key; null for an empty one.</param>
    /// <param name="isEnd">Nothing is left.</param>
    internal void Advance(int states, string? last, bool isEnd) => (Stage, Cursor, Passed) =
        (Expect(Stages.Planned, isEnd ? Stages.Whole : Stages.Resting), last ?? Cursor, Passed + states);

    internal static byte[] Write(IEnumerable<EdgeReach> edges)
    {
        var writer = new ArrayBufferWriter<byte>();
        foreach (var edge in edges)
        {
            writer.WriteText(edge.View);
            writer.WriteVarInt((ulong)edge.Build);
            writer.Write([(byte)edge.Stage]);
            writer.WriteVarInt((ulong)edge.Epoch);
            if (edge.IsWhole)
                continue;
            writer.WriteVarInt((ulong)edge.Sent);
            writer.WriteVarInt((ulong)edge.Passed);
            writer.WriteVarInt((ulong)edge.ChunkStates);
            writer.WriteVarInt((ulong)edge.ChunkBytes);
            writer.WriteVarInt((ulong)edge.ChunkAt);
            writer.Write([edge.Cursor is null ? (byte)0 : (byte)1]);
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
            var (view, build, stage, epoch) =
                (reader.ReadText(), reader.ReadCount(), (Stages)reader.ReadByte(), (long)reader.ReadVarInt());
            if (stage > Stages.Planned)
                throw new InvalidDataException($"The edge to '{view}' is in stage {(byte)stage}, which this program does not know.");
            if (stage == Stages.Whole)
            {
                edges.Add(new(view, build) { Stage = stage, Epoch = epoch });
                continue;
            }

            var edge = new EdgeReach(view, build)
            {
                Stage = stage, Epoch = epoch, Sent = (long)reader.ReadVarInt(), Passed = (long)reader.ReadVarInt(),
                ChunkStates = reader.ReadCount(), ChunkBytes = reader.ReadCount(),
            };
            edge.ChunkAt = (long)reader.ReadVarInt();
            edge.Cursor = reader.ReadByte() == 0 ? null : reader.ReadText();
            edges.Add(edge);
        }

        return edges;
    }

    private Stages Expect(Stages now, Stages next) => Stage == now
        ? next : throw new BrokenInvariantException($"The edge to '{View}' is {Stage}, and cannot become {next}.");
}
