using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Files;
using Microsoft.Data.Sqlite;

namespace ActorStreams.Storage.Sqlite.States;

/// <summary>Writes checkpoints. Those that are queued together share a transaction, each under a savepoint of its own.</summary>
internal sealed class StateWriter(SqliteFile file, SqliteSession session, SqliteStateStoreOptions options)
    : SqliteWriter<StateWork>(file, session, options.MaxCommitRows, options.MaxCommitBytes)
{
    protected override void Apply(StateWork work)
    {
        Session.Execute("SAVEPOINT work");
        try
        {
            work.Apply(Session);
            Session.Execute("RELEASE work");
        }
        catch (Exception error) when (IsOfThisWorkAlone(error))
        {
            Session.Execute("ROLLBACK TO work");
            Session.Execute("RELEASE work");
            work.Fail(error);
        }
    }

    /// <summary>
    /// A key that is no text, a value too large: the others of the commit have no part in it. A full disk concerns them all.
    /// </summary>
    private bool IsOfThisWorkAlone(Exception error) =>
        Session.InTransaction && !(error is SqliteException fault && SqliteFault.IsPassing(fault));
}

/// <summary>A request to the store's writer.</summary>
internal abstract class StateWork : WriteWork<bool>
{
    public abstract void Apply(SqliteSession session);
}

/// <summary>Replaces the catalog; the answer is whether its condition held.</summary>
internal sealed class CatalogWork(StoredCatalog catalog) : StateWork
{
    public override int Rows => 1;

    public override long Bytes => catalog.Text.Length;

    public override void Apply(SqliteSession session)
    {
        session.Prepare("UPDATE catalog SET number = ?1, text = ?2 WHERE number = ?1 - 1")
            .Bind(1, catalog.Number).BindUtf8(2, catalog.Text).Run();
        Answer = session.Changed() == 1;
    }
}
