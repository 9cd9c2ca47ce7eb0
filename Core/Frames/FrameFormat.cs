namespace ActorStreams.Frames;

/// <summary>
/// The frame: one log record of a view's input log that holds the changes which one batch of one source partition routes to one partition
/// of the view. Numbers are little-endian base-128 varints; "signed" ones are zigzag. Text is a length and UTF-8 bytes. Version 2;
/// version 1 has no epoch, which is then 0:
/// <code>
/// frame  := 'F' version:byte encoding:byte ( body | length of body, and its LZ4 block; by encoding 0 and 1 )
/// body   := source:text sourceBuild sourcePartition epoch change*
/// change := flags:byte
///           offset     signed, less the previous change's: where in the source's input log the change was made (the origin)
///           timestamp  signed, ms, less the previous change's: of the root record
///           sourceKey:text
///           root       only without RootIsOrigin: topic (0 and a new text, or n for the n-th text of this frame) partition offset
///           before     only with HasBefore: length and JSON
///           after      only with HasAfter: length and JSON
///           routes     how many follow, at least 1
///           route*
/// route  := kind+4*index:  index of the route among those of its origin to this view (the running index of semantics §5)
///           viewKey:text
/// </code>
/// States that are alike stand close together, so that a frame shrinks to about a fifth; small ones are left as they are. A change stands
/// once for all view keys it is routed to. A route's kind says what its view key receives: both sides, only what was before (the source
/// left) or only what is after (it entered).
/// </summary>
internal static class FrameFormat
{
    internal const byte Magic = (byte)'F';
    internal const byte Version = 2;
    internal const byte WithoutEpoch = 1;
    internal const byte Plain = 0;
    internal const byte Lz4 = 1;

    /// <summary>Magic, version and encoding.</summary>
    internal const int HeaderBytes = 3;

    /// <summary>Smaller bodies are not worth the work.</summary>
    internal const int MinLz4Bytes = 512;

    /// <summary>A longer length means that the frame is damaged.</summary>
    internal const int MaxBodyBytes = 1 << 30;

    [Flags]
    internal enum ChangeFlags : byte
    {
        None = 0,
        HasBefore = 1,
        HasAfter = 2,
        RootIsOrigin = 4,
    }
}
