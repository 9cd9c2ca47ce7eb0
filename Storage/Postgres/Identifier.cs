namespace ActorStreams.Storage.Postgres;

/// <summary>Names in SQL, quoted: a schema may be called <c>order</c>.</summary>
internal static class Identifier
{
    public static string Of(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Of(string schema, string table) => $"{Of(schema)}.{Of(table)}";
}
