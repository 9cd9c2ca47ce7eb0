using Microsoft.Data.Sqlite;

namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>
/// The one thread that writes to a file. It commits what has gathered in its queue as one transaction (group commit): while the
/// disk flushes one, the next gathers, so the more callers there are the cheaper each becomes.
/// </summary>
/// <remarks>
/// It is a thread of its own since it blocks in the disk for most of its life. It owns its queue and handles every failure in one
/// place: <see cref="Refuse"/>.
/// </remarks>
internal abstract class SqliteWriter<TWork> : IAsyncDisposable
    where TWork : WriteWork
{
    private readonly WriteQueue<TWork> _queue;
    private readonly SqliteFile _file;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected SqliteWriter(SqliteFile file, SqliteSession session, int maxRows, long maxBytes)
    {
        (_file, Session) = (file, session);
        _queue = new(file.Spec.Owner, maxRows, maxBytes);
    }

    /// <summary>The connection that writes; for the writer thread alone.</summary>
    public SqliteSession Session { get; }

    public void Start() => new Thread(Run) { IsBackground = true, Name = $"{_file.Spec.Kind} writer" }.Start();

    /// <summary>Puts work in line. Two calls one after the other keep their order.</summary>
    public void Enqueue(TWork work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.WithdrawOn(cancellationToken);
        _queue.Add(work);
    }

    /// <summary>Writes what is queued, then stops. Later work is refused.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _stopped.Task.ConfigureAwait(false);
    }

    /// <summary>
    /// Does one work inside the transaction. If this work alone fails, its caller receives the error, and nothing of it is written; what
    /// it throws
    /// fails the whole commit.
    /// </summary>
    protected abstract void Apply(TWork work);

    /// <summary>What is left to write before the commit.</summary>
    protected virtual void Finish()
    {
    }

    /// <summary>Shows to readers what has been committed.</summary>
    protected virtual void Publish()
    {
    }

    /// <summary>Forgets what was prepared in memory for a transaction that is rolled back.</summary>
    protected virtual void Abandon()
    {
    }

    private void Run()
    {
        var group = new List<TWork>();
        while (_queue.Take(group))
        {
            try
            {
                Commit(group);
            }
            catch (Exception error)
            {
                Refuse(group, error);
            }

            group.Clear();
        }

        Session.Dispose();
        _stopped.SetResult();
    }

    private void Commit(List<TWork> group)
    {
        Session.Execute("BEGIN IMMEDIATE");
        group.ForEach(Apply);
        Finish();
        Session.Execute("COMMIT");
        Publish();
        group.ForEach(work => work.Succeed());
    }

    /// <summary>
    /// Rolls back and fails the callers' tasks. Everything queued behind fails too: a later append must not be written where an earlier one
    /// of the same caller was lost.
    /// </summary>
    private void Refuse(List<TWork> group, Exception error)
    {
        RollBack();
        Abandon();
        _queue.TakeAll(group);
        foreach (var work in group)
            work.Fail(_file.Translate(error));
    }

    private void RollBack()
    {
        try
        {
            if (Session.InTransaction)
                Session.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // Callers receive the error that caused the roll-back; if the transaction is stuck, the next BEGIN reports it to the next
            // callers.
        }
    }
}
