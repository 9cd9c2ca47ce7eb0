using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.Keys;

/// <summary>Writes append keys. Those that are queued together share a transaction, and see each other in their order.</summary>
internal sealed class KeyWriter(SqliteFile file, SqliteSession session, TimeProvider time)
    : SqliteWriter<KeyWork>(file, session, maxRows: 1_000, maxBytes: 8 << 20)
{
    protected override void Apply(KeyWork work) => work.Apply(Session, time.GetUtcNow().ToUnixTimeMilliseconds());
}

/// <summary>What a request to the writer is answered.</summary>
/// <param name="Found">The row that was there.</param>
/// <param name="Rows">How many rows were changed.</param>
internal readonly record struct KeyAnswer(StoredAppendKey? Found, int Rows);

/// <summary>A request to the writer.</summary>
internal abstract class KeyWork : WriteWork<KeyAnswer>
{
    private const string Upsert = """
        INSERT INTO append_key (id, token, data, written, expires) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET token = excluded.token, data = excluded.data, written = excluded.written, expires = excluded.expires
        """;

    public override int Rows => 1;

    public override long Bytes => 0;

    /// <summary>Does it, at this time in Unix milliseconds.</summary>
    public abstract void Apply(SqliteSession session, long now);

    /// <summary>The row of an id that has not expired; null when there is none.</summary>
    protected static StoredAppendKey? Find(SqliteSession session, string id, long now)
    {
        var select = session.Prepare("SELECT token, data, written FROM append_key WHERE id = ?1 AND expires > ?2")
            .BindText(1, id).Bind(2, now);
        var found = select.Step()
            ? new StoredAppendKey(
                new(select.Bytes(0)), select.Bytes(1).ToArray(), TimeSpan.FromMilliseconds(now - select.Long(2)))
            : null;
        select.Reset();
        return found;
    }

    protected static void Write(SqliteSession session, AppendKeyWrite write, long now) => session.Prepare(Upsert)
        .BindText(1, write.Id).Bind(2, write.Token.ToByteArray()).Bind(3, write.Data.Span).Bind(4, now)
        .Bind(5, now + (long)write.Lifetime.TotalMilliseconds).Run();
}

/// <summary>Adds a row, or answers the one that is there.</summary>
internal sealed class AddWork(AppendKeyWrite write) : KeyWork
{
    public override long Bytes => write.Data.Length;

    public override void Apply(SqliteSession session, long now)
    {
        Answer = new(Find(session, write.Id, now), 0);
        if (Answer.Found is null)
            Write(session, write, now);
    }
}

/// <summary>Replaces the row that has a token.</summary>
internal sealed class ReplaceWork(Guid expected, AppendKeyWrite write) : KeyWork
{
    public override long Bytes => write.Data.Length;

    public override void Apply(SqliteSession session, long now)
    {
        Answer = new(null, Find(session, write.Id, now)?.Token == expected ? 1 : 0);
        if (Answer.Rows > 0)
            Write(session, write, now);
    }
}

/// <summary>Deletes rows that have expired.</summary>
internal sealed class DeleteExpiredWork(int limit) : KeyWork
{
    public override int Rows => limit;

    public override void Apply(SqliteSession session, long now)
    {
        session.Prepare("""
            DELETE FROM append_key WHERE id IN (SELECT id FROM append_key WHERE expires <= ?1 ORDER BY expires LIMIT ?2)
            """).Bind(1, now).Bind(2, limit).Run();
        Answer = new(null, (int)SqliteSession.Number(session.Prepare("SELECT changes()"))!.Value);
    }
}
