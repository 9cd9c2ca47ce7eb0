using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ActorStreams.MockKafka;

// A mock partition keeps 5 MiB or 100,000 batches and drops what is older, and no function sets other bounds. Tests need more: so the
// bounds are raised where they lie. In the structure of a partition four 8-byte fields follow one another: its size and count (0 while it
// is new), and the two bounds. All memory of the process is searched for these four, right after a topic was made, and as many places as
// it has partitions must be found, or nothing is written. It is read and written through /proc/self/mem, where an address that is no
// longer mapped is an error and not the end of the process.

/// <summary>Raises how much the partitions of the mock cluster keep.</summary>
internal sealed unsafe class PartitionBounds(long maxBytes) : IDisposable
{
    private const long BytesOfOld = 5 << 20;
    private const long CountOfOld = 100_000;
    private const long CountOfNew = 100_000_000;
    private const int ChunkBytes = 1 << 20;
    private const int PatternBytes = 4 * sizeof(long);

    private readonly nint _chunk = (nint)NativeMemory.AlignedAlloc(ChunkBytes, 4096);
    private readonly SafeFileHandle _memory = File.OpenHandle("/proc/self/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    public void Raise(int partitions)
    {
        var found = Regions().SelectMany(region => Find(region.From, region.To)).ToList();
        if (found.Count != partitions)
        {
            throw new InvalidOperationException(
                $"{found.Count} places in memory look like a new partition of the mock cluster, but {partitions} were made. "
                + $"Another version of the library lays them out differently: correct {nameof(PartitionBounds)}.");
        }

        var bounds = new byte[2 * sizeof(long)];
        BitConverter.TryWriteBytes(bounds, maxBytes);
        BitConverter.TryWriteBytes(bounds.AsSpan(sizeof(long)), CountOfNew);
        foreach (var address in found)
            RandomAccess.Write(_memory, bounds, address + (2 * sizeof(long)));
    }

    public void Dispose()
    {
        _memory.Dispose();
        NativeMemory.AlignedFree((void*)_chunk);
    }

    /// <summary>What is writable and no file's.</summary>
    private static List<(long From, long To)> Regions()
    {
        var regions = new List<(long, long)>();
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[1].StartsWith("rw-p", StringComparison.Ordinal) && (words.Length == 5 || words[5] == "[heap]"))
            {
                var range = words[0].Split('-');
                regions.Add(
                    (
                        long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                        long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            }
        }

        return regions;
    }

    private List<long> Find(long from, long to)
    {
        var found = new List<long>();
        for (var at = from; at < to; at += ChunkBytes - PatternBytes)
        {
            if (at < _chunk + ChunkBytes && at + ChunkBytes > _chunk)
                continue; // what is copied here must not be found once more
            var bytes = new Span<byte>((void*)_chunk, (int)Math.Min(ChunkBytes, to - at));
            try
            {
                var read = RandomAccess.Read(_memory, bytes, at);
                AddFound(bytes[..read], at, found);
            }
            catch (IOException)
            {
                // Unmapped meanwhile.
            }
        }

        return [.. found.Distinct()];
    }

    private static void AddFound(ReadOnlySpan<byte> bytes, long at, List<long> found)
    {
        var words = MemoryMarshal.Cast<byte, long>(bytes);
        for (var i = 0; i + 3 < words.Length; i++)
        {
            if (words[i + 2] == BytesOfOld && words[i + 3] == CountOfOld && words[i] == 0 && words[i + 1] == 0)
                found.Add(at + (i * sizeof(long)));
        }
    }
}
