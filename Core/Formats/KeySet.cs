using System.Text;

namespace ActorStreams.Formats;

/// <summary>A set of keys that is searched by their UTF-8 bytes.</summary>
internal sealed class KeySet
{
    private readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> _keys;

    internal KeySet(IEnumerable<string> keys) =>
        _keys = new HashSet<byte[]>(keys.Select(Encoding.UTF8.GetBytes), new Comparer()).GetAlternateLookup<ReadOnlySpan<byte>>();

    internal bool Contains(ReadOnlySpan<byte> key) => _keys.Contains(key);

    private sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
