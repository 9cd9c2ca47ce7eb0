using ActorStreams.Formats;
using ActorStreams.Log;
using K4os.Compression.LZ4;

namespace ActorStreams.Frames;

/// <summary>Reads a frame, change by change and route by route; the form is documented at <see cref="FrameFormat"/>.</summary>
/// <exception cref="InvalidDataException">By every member: the bytes are not a frame this version can read.</exception>
internal ref struct FrameReader
{
    private readonly List<string> _topics = [];
    private VarIntReader _reader;
    private int _routes;

    internal FrameReader(ReadOnlyMemory<byte> frame)
    {
        _reader = new(Body(frame, out var version));
        Source = _reader.ReadText();
        SourceBuild = _reader.ReadCount();
        SourcePartition = _reader.ReadCount();
        Epoch = version == FrameFormat.WithoutEpoch ? 0 : (long)_reader.ReadVarInt();
    }

    internal string Source { get; }

    internal int SourceBuild { get; }

    internal int SourcePartition { get; }

    /// <summary>The epoch of the edge (<see cref="EdgeReach"/>).</summary>
    internal long Epoch { get; }

    private static ReadOnlyMemory<byte> Body(ReadOnlyMemory<byte> frame, out byte version)
    {
        var header = new VarIntReader(frame);
        if (header.ReadByte() != FrameFormat.Magic)
            throw new InvalidDataException("The record is not a frame: a view's input log is written by its sources alone.");
        version = header.ReadByte();
        if (version is not (FrameFormat.Version or FrameFormat.WithoutEpoch))
            throw new InvalidDataException(
                $"The frame has format version {version}, but this program reads version {FrameFormat.Version}. Run a newer one.");
        switch (header.ReadByte())
        {
            case FrameFormat.Plain:
                return header.Rest;
            case FrameFormat.Lz4:
                var length = header.ReadCount();
                if (length > FrameFormat.MaxBodyBytes)
                    throw new InvalidDataException(
                        $"The frame says it has {length} bytes, but at most {FrameFormat.MaxBodyBytes} are taken.");
                var body = new byte[length];
                if (LZ4Codec.Decode(header.Rest.Span, body) != length)
                    throw new InvalidDataException($"The frame's body is not the LZ4 block of {length} bytes.");
                return body;
            case var encoding:
                throw new InvalidDataException($"The frame has the encoding {encoding}, which this program does not know.");
        }
    }

    /// <summary>The bytes of a frame's body once it is decompressed; those of the record where it is no frame.</summary>
    internal static int BodyBytesOf(ReadOnlyMemory<byte> frame)
    {
        if (frame.Length <= FrameFormat.HeaderBytes || frame.Span[0] != FrameFormat.Magic || frame.Span[2] != FrameFormat.Lz4)
            return frame.Length;
        try
        {
            return new VarIntReader(frame[FrameFormat.HeaderBytes..]).ReadCount();
        }
        catch (InvalidDataException)
        {
            return frame.Length; // reading the frame says what is wrong
        }
    }

    /// <summary>The current change's offset in the source's input log.</summary>
    internal long Offset { get; private set; }

    internal long Timestamp { get; private set; }

    /// <summary>The root record; null when it is the origin, the record at <see cref="Offset"/>.</summary>
    internal Position? Root { get; private set; }

    internal string SourceKey { get; private set; } = "";

    internal ReadOnlyMemory<byte>? Before { get; private set; }

    internal ReadOnlyMemory<byte>? After { get; private set; }

    /// <summary>Goes to the next change, past what is left of the current one; false at the end.</summary>
    internal bool NextChange()
    {
        while (NextRoute(out _, out _, out _))
        {
        }

        if (_reader.AtEnd)
            return false;
        var flags = (FrameFormat.ChangeFlags)_reader.ReadByte();
        Offset += _reader.ReadSigned();
        Timestamp += _reader.ReadSigned();
        SourceKey = _reader.ReadText();
        Root = flags.HasFlag(FrameFormat.ChangeFlags.RootIsOrigin) ? null : ReadRoot();
        Before = flags.HasFlag(FrameFormat.ChangeFlags.HasBefore) ? _reader.ReadBytes() : default(ReadOnlyMemory<byte>?);
        After = flags.HasFlag(FrameFormat.ChangeFlags.HasAfter) ? _reader.ReadBytes() : default(ReadOnlyMemory<byte>?);
        _routes = _reader.ReadCount();
        return true;
    }

    /// <summary>Goes to the next route of the current change; false when there is none left.</summary>
    internal bool NextRoute(out RouteKind kind, out long index, out ReadOnlySpan<byte> viewKey)
    {
        kind = default;
        index = 0;
        viewKey = default;
        if (_routes == 0)
            return false;
        _routes--;
        var head = _reader.ReadVarInt();
        (kind, index) = ((RouteKind)(head & 3), (long)(head >> 2));
        if (kind > RouteKind.Entered)
            throw new InvalidDataException($"The frame has a route of kind {(int)kind}, which this program does not know.");
        viewKey = _reader.ReadBytes().Span;
        return true;
    }

    private Position ReadRoot()
    {
        var topic = _reader.ReadCount();
        if (topic == 0)
        {
            _topics.Add(_reader.ReadText());
            topic = _topics.Count;
        }
        else if (topic > _topics.Count)
        {
            throw new InvalidDataException($"The frame names topic {topic}, but has {_topics.Count}.");
        }

        return new(_topics[topic - 1], _reader.ReadCount(), (long)_reader.ReadVarInt());
    }
}
