using System.Security.Cryptography;
using System.Text;

namespace ActorStreams.Storage.Postgres.Schema;

/// <summary>A numbered script of the schema, as shipped.</summary>
internal sealed record SchemaScript(string Name, string Sql, string Checksum)
{
    private const string ResourcePrefix = "Postgres/Scripts/";

    public static IReadOnlyList<SchemaScript> All() =>
    [
        .. typeof(SchemaScript).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Read),
    ];

    private static SchemaScript Read(string resource)
    {
        using var reader = new StreamReader(typeof(SchemaScript).Assembly.GetManifestResourceStream(resource)!);
        // A checkout on Windows may have other line ends.
        var sql = reader.ReadToEnd().ReplaceLineEndings("\n");
        return new(resource[ResourcePrefix.Length..], sql, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
    }
}
