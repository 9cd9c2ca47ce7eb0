namespace ActorStreams.Storage.Postgres.Schema;

/// <summary>The tables in PostgreSQL do not match this version. Run the silo with --migrate, or follow the message.</summary>
public sealed class SchemaMismatchException(string message) : Exception(message);
