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

/// <summary>Forgets states, contributions and checkpoints.</summary>
internal sealed class ClearWork : StateWork
{
    public override int Rows => 1;

    public override long Bytes => 0;

    public override void Apply(SqliteSession session)
    {
        session.Execute("DELETE FROM state");
        session.Execute("DELETE FROM contribution");
        session.Execute("DELETE FROM partition");
        Answer = true;
    }
}

/// <summary>Replaces the descriptions of the datasets.</summary>
internal sealed class DatasetsWork(IReadOnlyDictionary<string, string> datasets) : StateWork
{
    public override int Rows => datasets.Count;

    public override long Bytes => datasets.Sum(d => (long)d.Key.Length + d.Value.Length);

    public override void Apply(SqliteSession session)
    {
        session.Execute("DELETE FROM dataset");
        var insert = session.Prepare("INSERT INTO dataset (name, description) VALUES (?1, ?2)");
        foreach (var (name, description) in datasets)
            insert.BindUtf8(1, name).BindUtf8(2, description).Run();
        Answer = true;
    }
}
