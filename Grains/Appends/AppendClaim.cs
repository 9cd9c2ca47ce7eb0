using System.Buffers;
using ActorStreams.Formats;
using ActorStreams.Log;

namespace ActorStreams.Grains.Appends;

// The content of a row of IAppendKeys, version 1:
//
//   claim := version:byte(1) flags:byte settledAfter:varint digest:32 bytes
//            records:varint (partition:varint end:varint)* cursors:varint (partition:varint offset:varint)*
//
// Flag 1: no attempt at the append can land any more. A row settles after so many milliseconds. A record that is known to be in the log
// has end = its offset + 1, any other 0.

/// <summary>What is known of an append that has an idempotency key.</summary>
internal sealed class AppendClaim
{
    private const byte Version = 1;
    private const byte Settled = 1;

    private readonly (int Partition, long Offset)?[] _records;

    private AppendClaim(byte[] digest, (int Partition, long Offset)?[] records) => (Digest, _records) = (digest, records);

    /// <summary>What the key was sent for.</summary>
    internal byte[] Digest { get; }

    /// <summary>For each partition that records go to, up to where the log has none of them but those that are known.</summary>
    internal SortedDictionary<int, long> Cursors { get; } = [];

    /// <summary>How old the row must be until the attempt cannot land any more, as the silo that made it knew.</summary>
    internal TimeSpan SettledAfter { get; set; }

    /// <summary>No attempt can land any more: what is not in the log now never will be.</summary>
    internal bool IsSettled { get; set; }

    /// <summary>All records are in the log.</summary>
    internal bool IsComplete => Array.TrueForAll(_records, record => record is not null);

    /// <summary>The records that are not known to be in the log, by number.</summary>
    internal IReadOnlyList<int> Missing => [.. Enumerable.Range(0, _records.Length).Where(i => _records[i] is null)];

    /// <summary>The claim of an append that has not been tried.</summary>
    internal static AppendClaim New(byte[] digest, int records) => new(digest, new (int, long)?[records]);

    /// <summary>Where all records are.</summary>
    internal IReadOnlyList<Position> Positions(string topic) =>
        [.. _records.Select(record => new Position(topic, record!.Value.Partition, record.Value.Offset))];

    /// <summary>A record is in the log. The first place counts.</summary>
    internal void Found(int record, int partition, long offset)
    {
        if (record < _records.Length)
            _records[record] ??= (partition, offset);
    }

    internal byte[] ToBytes()
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write([Version, IsSettled ? Settled : (byte)0]);
        bytes.WriteVarInt((ulong)SettledAfter.TotalMilliseconds);
        bytes.Write(Digest);
        bytes.WriteVarInt((ulong)_records.Length);
        foreach (var record in _records)
        {
            bytes.WriteVarInt((ulong)(record?.Partition ?? 0));
            bytes.WriteVarInt((ulong)((record?.Offset ?? -1) + 1));
        }

        bytes.WriteVarInt((ulong)Cursors.Count);
        foreach (var (partition, offset) in Cursors)
        {
            bytes.WriteVarInt((ulong)partition);
            bytes.WriteVarInt((ulong)offset);
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">A newer program wrote the claim, or it is damaged.</exception>
    internal static AppendClaim Read(ReadOnlyMemory<byte> bytes)
    {
        var reader = new VarIntReader(bytes);
        if (reader.ReadByte() is var version && version != Version)
        {
            throw new InvalidDataException(
                $"The claim of an idempotency key has version {version}, and this program knows {Version}. Run the newer program.");
        }

        var (flags, settledAfter) = (reader.ReadByte(), TimeSpan.FromMilliseconds((long)reader.ReadVarInt()));
        var digest = new byte[AppendKey.DigestBytes];
        for (var i = 0; i < digest.Length; i++)
            digest[i] = reader.ReadByte();
        var records = new (int, long)?[reader.ReadCount()];
        for (var i = 0; i < records.Length; i++)
        {
            var (partition, end) = (reader.ReadCount(), (long)reader.ReadVarInt());
            records[i] = end == 0 ? null : (partition, end - 1);
        }

        var claim = new AppendClaim(digest, records) { IsSettled = (flags & Settled) != 0, SettledAfter = settledAfter };
        for (var left = reader.ReadCount(); left > 0; left--)
            claim.Cursors.Add(reader.ReadCount(), (long)reader.ReadVarInt());
        return claim;
    }
}
