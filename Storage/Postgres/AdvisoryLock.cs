using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ActorStreams.Storage.Postgres;

/// <summary>Numbers for advisory locks. PostgreSQL has one set of them for a whole database, so the schema is part of each.</summary>
internal static class AdvisoryLock
{
    public static long Of(string schema, string purpose) =>
        BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"actorstreams/{schema}/{purpose}")));
}
