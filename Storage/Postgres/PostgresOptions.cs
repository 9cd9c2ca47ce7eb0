using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Npgsql;

namespace ActorStreams.Storage.Postgres;

/// <summary>Where PostgreSQL is, and how much of it a silo uses: section <c>Postgres</c>.</summary>
public sealed partial class PostgresOptions : IValidatableObject
{
    /// <summary>
    /// How to reach it, in Npgsql's form: <c>Host=…;Database=…;Username=…</c>. The password is better kept in <see cref="PasswordFile"/>.
    /// </summary>
    [Required(AllowEmptyStrings = false)]
    public string ConnectionString { get; set; } = "";

    /// <summary>
    /// A file that holds the password and nothing else. It is read whenever a connection is opened, so a new password needs no restart.
    /// </summary>
    public string? PasswordFile { get; set; }

    /// <summary>The schema that holds all tables. Two systems may share a database, each with a schema of its own.</summary>
    public string Schema { get; set; } = "actorstreams";

    /// <summary>
    /// The role of silos, where it is another than the schema's owner: each migration grants it what it needs, and no more.
    /// </summary>
    public string? SiloRole { get; set; }

    /// <summary>
    /// Whether a pooler gives each transaction another connection to PostgreSQL, as PgBouncer does in transaction mode.
    /// Then no parameter is set for a session, no statement is kept prepared, and the role itself must have the schema in its
    /// <c>search_path</c>, for Orleans.
    /// </summary>
    public bool TransactionPooling { get; set; }

    /// <summary>
    /// Connections of the state store at most; further callers wait for one. Orleans has
    /// <see cref="PostgresConnections.MaxOrleansConnections"/> more.
    /// </summary>
    [Range(1, 1_000)]
    public int MaxConnections { get; set; } = 20;

    /// <summary>
    /// How long one command may take before its caller gets a store-unavailable error, and how long a command waits for a connection.
    /// </summary>
    [Range(1, 3_600)]
    public int CommandTimeoutSeconds { get; set; } = 30;

    /// <summary>
    /// States and contributions in one command at most: a larger checkpoint is written in several commands of one transaction.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxCommandRows { get; set; } = 10_000;

    /// <summary>Keys and values in one command at most, in bytes, but one row at least.</summary>
    [Range(1, 256 << 20)]
    public int MaxCommandBytes { get; set; } = 8 << 20;

    /// <summary>What is wrong beyond single values. No message repeats the connection string: it may hold a password.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!SchemaName().IsMatch(Schema) || Schema.StartsWith("pg_", StringComparison.Ordinal))
            yield return new(
                $"Schema is '{Schema}', but must be 1 to 63 of a-z, 0-9 and _, begin with a letter or _, and not with pg_.", [nameof(
                    Schema)]);
        if (PasswordFile is { Length: > 0 } file && !File.Exists(file))
            yield return new($"PasswordFile '{file}' does not exist, or this process may not see it.", [nameof(PasswordFile)]);
        foreach (var error in ConnectionErrors())
            yield return new(error, [nameof(ConnectionString)]);
    }

    /// <summary>Checks all settings.</summary>
    /// <exception cref="ArgumentException">Some are wrong; the message names all of them.</exception>
    internal void Validate()
    {
        var errors = new List<ValidationResult>();
        // Single values first, then Validate on all of them: the framework skips the second if the first found an error.
        Validator.TryValidateObject(this, new(this), errors, validateAllProperties: true);
        errors.AddRange(Validate(new(this)).Where(error => errors.TrueForAll(known => known.ErrorMessage != error.ErrorMessage)));
        OptionCheck.All([.. errors.Select(error => $"Postgres: {error.ErrorMessage}")]);
    }

    private IEnumerable<string> ConnectionErrors()
    {
        if (string.IsNullOrEmpty(ConnectionString))
            yield break;
        NpgsqlConnectionStringBuilder? parsed = null;
        try
        {
            parsed = new(ConnectionString);
        }
        catch (ArgumentException)
        {
            // The parser's message may hold what follows a ';' in a password.
        }

        if (parsed is null)
            yield return "ConnectionString is none that Npgsql knows. It has the form Host=…;Port=…;Database=…;Username=… with a value "
                + "that holds ';' in quotes.";
        else if (string.IsNullOrEmpty(parsed.Host))
            yield return "ConnectionString names no Host.";
        else if (!string.IsNullOrEmpty(PasswordFile) && !string.IsNullOrEmpty(parsed.Password))
            yield return "ConnectionString holds a password though PasswordFile is set. Remove one of them.";
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$")]
    private static partial Regex SchemaName();
}
