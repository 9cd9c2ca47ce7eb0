using System.Buffers;
using ActorStreams.Definitions;
using ActorStreams.Formats;
using ActorStreams.Log;
using K4os.Compression.LZ4;

namespace ActorStreams.Frames;

/// <summary>Writes frames for one partition of one view; the form is documented at <see cref="FrameFormat"/>.</summary>
internal sealed class FrameWriter(Dataset source, int sourcePartition)
{
    private const int UsualBytes = 4 << 10;

    /// <summary>A larger buffer is given back once its frame is taken: there is a writer for each partition of each view.</summary>
    private const int MaxKeptBytes = 128 << 10;

    /// <summary>The most bytes of a number.</summary>
    private const int NumberBytes = 10;

    private ArrayBufferWriter<byte> _buffer = new(UsualBytes);
    private readonly List<string> _topics = [];
    private long _offset;
    private long _timestamp;
    private byte _version;

    /// <summary>The epoch of the edge, for the next frame that begins.</summary>
    internal long Epoch { get; set; }

    /// <summary>Bytes written since the last <see cref="Take"/>.</summary>
    internal int Length => _buffer.WrittenCount;

    /// <summary>The most bytes that a change takes without its routes, the frame's header among them.</summary>
    internal static int MaxBytesOf(string sourceKey, in SourceChange change) =>
        (14 * NumberBytes) + (3 * (sourceKey.Length + change.Root.Topic.Length)) + TopicName.MaxLength
            + (change.Before?.Length ?? 0) + (change.After?.Length ?? 0);

    /// <summary>The most bytes that a route takes.</summary>
    internal static int MaxBytesOf(string viewKey) => (2 * NumberBytes) + (3 * viewKey.Length);

    /// <summary>Begins a change; exactly <paramref name="routes"/> calls of <see cref="Route"/> follow.</summary>
    internal void Change(string sourceKey, in SourceChange change, int routes)
    {
        if (_buffer.WrittenCount == 0)
            WriteHeader();
        var rootIsOrigin = change.Root.Offset == change.Offset && change.Root.Topic == source.Topic
            && change.Root.Partition == sourcePartition;
        var flags = (change.Before is null ? 0 : FrameFormat.ChangeFlags.HasBefore)
            | (change.After is null ? 0 : FrameFormat.ChangeFlags.HasAfter)
            | (rootIsOrigin ? FrameFormat.ChangeFlags.RootIsOrigin : 0);
        _buffer.Write([(byte)flags]);
        _buffer.WriteSigned(change.Offset - _offset);
        _buffer.WriteSigned(change.Timestamp - _timestamp);
        (_offset, _timestamp) = (change.Offset, change.Timestamp);
        _buffer.WriteText(sourceKey);
        if (!rootIsOrigin)
            WriteRoot(change.Root);
        if (change.Before is not null)
            _buffer.WriteBytes(change.Before);
        if (change.After is not null)
            _buffer.WriteBytes(change.After);
        _buffer.WriteVarInt((ulong)routes);
    }

    internal void Route(RouteKind kind, long index, string viewKey)
    {
        _buffer.WriteVarInt((ulong)kind | ((ulong)index << 2));
        _buffer.WriteText(viewKey);
    }

    /// <summary>The finished frame; the writer is empty again.</summary>
    internal byte[] Take()
    {
        var frame = Encode(_buffer.WrittenSpan);
        if (_buffer.Capacity > MaxKeptBytes)
            _buffer = new(UsualBytes);
        else
            _buffer.ResetWrittenCount();
        _topics.Clear();
        (_offset, _timestamp) = (0, 0);
        return frame;
    }

    /// <summary>A frame without a change, which says only its epoch.</summary>
    internal byte[] TakeEmpty()
    {
        if (Length > 0)
            throw new InvalidOperationException("A frame is begun.");
        WriteHeader();
        return Take();
    }

    private byte[] Encode(ReadOnlySpan<byte> body)
    {
        var frame = new ArrayBufferWriter<byte>(FrameFormat.HeaderBytes + (body.Length / 2) + 1);
        if (body.Length >= FrameFormat.MinLz4Bytes)
        {
            var block = ArrayPool<byte>.Shared.Rent(LZ4Codec.MaximumOutputSize(body.Length));
            var length = LZ4Codec.Encode(body, block);
            if (length > 0 && length < body.Length)
            {
                frame.Write([FrameFormat.Magic, _version, FrameFormat.Lz4]);
                frame.WriteVarInt((ulong)body.Length);
                frame.Write(block.AsSpan(0, length));
            }

            ArrayPool<byte>.Shared.Return(block);
        }

        if (frame.WrittenCount == 0)
        {
            frame.Write([FrameFormat.Magic, _version, FrameFormat.Plain]);
            frame.Write(body);
        }

        return frame.WrittenSpan.ToArray();
    }

    private void WriteHeader()
    {
        _buffer.WriteText(source.Name);
        _buffer.WriteVarInt((ulong)source.Build);
        _buffer.WriteVarInt((ulong)sourcePartition);
        _version = Epoch == 0 ? FrameFormat.WithoutEpoch : FrameFormat.Version;
        if (Epoch > 0)
            _buffer.WriteVarInt((ulong)Epoch);
    }

    private void WriteRoot(Position root)
    {
        var topic = _topics.IndexOf(root.Topic) + 1;
        _buffer.WriteVarInt((ulong)topic);
        if (topic == 0)
        {
            _topics.Add(root.Topic);
            _buffer.WriteText(root.Topic);
        }

        _buffer.WriteVarInt((ulong)root.Partition);
        _buffer.WriteVarInt((ulong)root.Offset);
    }
}
