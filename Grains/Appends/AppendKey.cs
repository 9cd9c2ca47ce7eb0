using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ActorStreams.DeadLetters;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Grains.Appends;

/// <summary>
/// The idempotency key of an append, with what it was sent for. Each of its records carries the header <c>actorstreams-append</c>, its own
/// place in the append, so that the log itself says whether it is there.
/// </summary>
/// <param name="Id">Which key of which caller: a hash, so that any key has one size and no other consumer of the topic can read it.</param>
/// <param name="Digest">A hash of topic and records: the key is refused for others.</param>
internal sealed record AppendKey(string Id, byte[] Digest)
{
    internal const string Header = Redrive.Reserved + "append";

    internal const int DigestBytes = SHA256.HashSizeInBytes;

    /// <summary>The key of an append.</summary>
    /// <param name="caller">Whose key it is: those of two callers do not meet. Empty where callers are not known.</param>
    /// <param name="key">The key as it was sent.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="records">What was sent for each record.</param>
    /// <exception cref="RequestRefusedException">The key is too long, or has characters that no key has.</exception>
    internal static AppendKey Of(string caller, string key, string topic, IEnumerable<ReadOnlyMemory<byte>> records)
    {
        if (IdempotencyKeys.FaultOf(key) is { } fault)
            throw new RequestRefusedException(400, "Bad idempotency key", fault);
        var id = Hash([Encoding.UTF8.GetBytes(caller), Encoding.UTF8.GetBytes(key)]);
        return new(Base64Url.EncodeToString(id), Hash(records.Prepend(Encoding.UTF8.GetBytes(topic))));
    }

    /// <summary>The same record with its place in the append.</summary>
    internal NewRecord Mark(in NewRecord record, int index) => record with
    {
        Headers = [.. record.Headers, new(Header, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Id}/{index}")))],
    };

    /// <summary>Which record of the append with this id a record of the log is; null when it is none of it.</summary>
    internal static int? IndexOf(string id, in ChangeRecord record)
    {
        var headers = record.Headers;
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].Name == Header && Encoding.ASCII.GetString(headers[i].Value.Span) is var text
                && text.StartsWith(id, StringComparison.Ordinal) && text.Length > id.Length && text[id.Length] == '/'
                && int.TryParse(text.AsSpan(id.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                return index;
        }

        return null;
    }

    // Each part after its length, so that no two lists of parts are one text.
    private static byte[] Hash(IEnumerable<ReadOnlyMemory<byte>> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in parts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
            hash.AppendData(length);
            hash.AppendData(part.Span);
        }

        return hash.GetHashAndReset();
    }
}
