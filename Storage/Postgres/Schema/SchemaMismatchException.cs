namespace ActorStreams.Storage.Postgres.Schema;

/// <summary>The tables in PostgreSQL do not fit this version. Run the silo with --migrate, or follow what the message says.</summary>
public sealed class SchemaMismatchException(string message) : Exception(message);
