using ActorStreams.Log;
using ActorStreams.Storage;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.Log;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Storage.Sqlite;

public sealed class SqliteChangeLogTests : ChangeLogContract, IDisposable
{
    private static readonly TopicPartition P0 = new("t", 0);

    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<IChangeLog, string> _paths = [];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_reader_starts_in_the_middle_of_a_stored_row()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [.. Enumerable.Range(0, 5_000).Select(i => Record($"k{i}", new string('v', 100), i))]);
        log = await AgainAsync(log);
        foreach (var from in new[] { 0, 1, 333, 2_500, 4_999, 5_000 })
            Assert.Equal(
                Enumerable.Range(from, 5_000 - from).Select(i => $"k{i}"), (await log.ReadToEndAsync(P0, from)).Select(r => r.Key.Text()));
        Assert.InRange(Number(PathOf(log), "SELECT count(*) FROM batch"), 2, 20);
        await CloseAsync(log);
    }

    [Fact]
    public async Task An_append_waits_behind_a_lock_fails_clearly_and_works_again_later()
    {
        var log = Open(_directory.File("locked"));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("a", "1")]);
        using (var other = new SqliteSession(PathOf(log), readOnly: false, 0))
        {
            other.ExecuteScript("BEGIN IMMEDIATE");
            var error = await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.AppendAsync("t", [Record("b", "2")]));
            Assert.Contains($"The change log '{PathOf(log)}' is locked by another process.", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, (await log.OffsetsAsync("t"))[0].End);
        Assert.Equal([new("t", 0, 1)], await log.AppendAsync("t", [Record("c", "3")]));
        Assert.Equal(["a", "c"], (await log.ReadToEndAsync(P0)).Select(r => r.Key.Text()));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_full_disk_fails_appends_until_there_is_room()
    {
        var log = Open(_directory.File("full"));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("a", "1")]);
        await LimitAsync(log, pages: 1);
        var error = await Assert.ThrowsAsync<LogUnavailableException>(
            async () => await log.AppendAsync("t", [Record("b", new string('x', 500_000))]));
        Assert.Contains("cannot grow: the disk is full.", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await log.OffsetsAsync("t"))[0].End);

        await LimitAsync(log, pages: 1_000_000);
        await log.AppendAsync("t", [Record("c", new string('x', 500_000))]);
        Assert.Equal(["a", "c"], (await log.ReadToEndAsync(P0)).Select(r => r.Key.Text()));
        Assert.Equal(["a", "c"], (await (await AgainAsync(log)).ReadToEndAsync(P0)).Select(r => r.Key.Text()));
    }

    [Fact]
    public async Task What_is_queued_behind_a_failed_commit_fails_with_it()
    {
        var log = Open(_directory.File("behind"), lockWaitMilliseconds: 300, maxCommitRecords: 1);
        await log.CreateTopicAsync("t", 1);
        using (var other = new SqliteSession(PathOf(log), readOnly: false, 0))
        {
            other.ExecuteScript("BEGIN IMMEDIATE");
            var appends = Enumerable.Range(0, 10).Select(i => log.AppendAsync("t", [Record("k", $"{i}")]).AsTask()).ToList();
            foreach (var append in appends)
                await Assert.ThrowsAsync<LogUnavailableException>(() => append);
        }

        Assert.Empty(await log.ReadToEndAsync(P0));
        await CloseAsync(log);
    }

    [Fact]
    public async Task An_append_cancelled_while_it_waits_in_line_is_not_written()
    {
        var log = Open(_directory.File("cancelled"), lockWaitMilliseconds: 60_000, maxCommitRecords: 1);
        await log.CreateTopicAsync("t", 1);
        using var cancel = new CancellationTokenSource();
        using var other = new SqliteSession(PathOf(log), readOnly: false, 0);
        other.ExecuteScript("BEGIN IMMEDIATE");
        var first = log.AppendAsync("t", [Record("first", "")]).AsTask();
        var second = log.AppendAsync("t", [Record("second", "")], cancel.Token).AsTask();
        var third = log.AppendAsync("t", [Record("third", "")]).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        other.ExecuteScript("ROLLBACK");
        await Task.WhenAll(first, third);
        Assert.Equal(["first", "third"], (await log.ReadToEndAsync(P0)).Select(r => r.Key.Text()));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_damaged_row_is_noticed()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("a", "1"), Record("b", "2")]);
        var path = PathOf(log);
        await CloseAsync(log);
        using (var session = new SqliteSession(path, readOnly: false, 0))
            session.ExecuteScript("UPDATE batch SET bytes = CAST(replace(hex(bytes), '6131', '6132') AS BLOB)");
        log = Open(path);
        var error = await Assert.ThrowsAsync<DamagedFileException>(() => log.ReadToEndAsync(P0));
        Assert.Contains("t/0 should go on at offset 0", error.Message, StringComparison.Ordinal);
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_file_of_format_1_gets_ids_and_keeps_its_records()
    {
        var path = _directory.File("format1");
        var log = Open(path);
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("a", "1")]);
        await CloseAsync(log);
        using (var session = new SqliteSession(path, readOnly: false, 0))
            session.ExecuteScript("ALTER TABLE topic DROP COLUMN uid; DROP TABLE epoch; PRAGMA user_version=1");
        log = Open(path);
        var id = (await log.DescribeAsync("t"))!.Id;
        Assert.Equal(32, id!.Length);
        Assert.Equal(new LogIdentity(id), (await log.ReadAsync(P0, 0, ReadLimits.Default).FirstAsync()).Log);
        await log.AppendAsync("t", [Record("b", "2")]);
        await CloseAsync(log);
        log = Open(path);
        var batches = await log.ReadAsync(P0, 0, ReadLimits.Default, new LogIdentity(id)).Take(2).ToListAsync();
        Assert.Equal(["a", "b"], batches.SelectMany(batch => batch.Records).Select(record => record.Key.Text()));
        Assert.Equal([true, false], batches.Select(batch => batch.Log == new LogIdentity(id)));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_position_is_none_of_an_older_backup_not_even_when_that_has_grown_past_it()
    {
        var path = _directory.File("backup");
        var log = Open(path);
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [.. Enumerable.Range(0, 30).Select(i => Record("k", $"{i}"))]);
        await CloseAsync(log);
        File.Copy(path, path + ".copy");
        log = Open(path);
        await log.AppendAsync("t", [.. Enumerable.Range(30, 10).Select(i => Record("k", $"{i}"))]);
        var reached = (await log.ReadAsync(P0, 0, ReadLimits.Default).Skip(1).FirstAsync()).Log;
        await CloseAsync(log);

        log = Open(path + ".copy");
        var shorter = await ThrowsChangedAsync();
        Assert.Contains("t/0 was read up to offset 40, and ends at 30 now: the records 30 to 39 were lost", shorter.Message,
            StringComparison.Ordinal);
        await log.AppendAsync("t", [.. Enumerable.Range(1_000, 200).Select(i => Record("k", $"{i}"))]);
        Assert.Contains("others were written in their place", (await ThrowsChangedAsync()).Message, StringComparison.Ordinal);
        await CloseAsync(log);
        log = Open(path + ".copy");
        Assert.Contains("others were written in their place", (await ThrowsChangedAsync()).Message, StringComparison.Ordinal);
        await CloseAsync(log);

        Task<LogChangedException> ThrowsChangedAsync() => Assert.ThrowsAsync<LogChangedException>(
            async () => await log.ReadAsync(P0, 40, ReadLimits.Default, reached).FirstAsync());
    }

    [Fact]
    public async Task A_reader_far_behind_gets_nothing_of_a_topic_that_is_made_again()
    {
        var log = Open(_directory.File("behind-again"));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [.. Enumerable.Range(0, 5_000).Select(i => Record($"old{i}", new string('v', 500)))]);
        await using var batches = log.ReadAsync(P0, 0, new(10, 1 << 20)).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await batches.MoveNextAsync());
        await log.DeleteTopicAsync("t");
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [.. Enumerable.Range(0, 6_000).Select(i => Record($"new{i}", new string('v', 500)))]);
        await Assert.ThrowsAsync<UnknownTopicException>(async () =>
        {
            while (await batches.MoveNextAsync())
                Assert.All(batches.Current.Records, record => Assert.StartsWith("old", record.Key.Text(), StringComparison.Ordinal));
        });
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_newer_format_is_refused()
    {
        var log = await OpenAsync();
        var path = PathOf(log);
        await CloseAsync(log);
        using (var session = new SqliteSession(path, readOnly: false, 0))
            session.ExecuteScript("PRAGMA user_version=99");
        Assert.Contains("has format 99", Assert.Throws<NewerFormatException>(() => Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused()
    {
        File.WriteAllText(_directory.File("text"), new string('x', 5_000));
        Assert.Throws<DamagedFileException>(() => Open(_directory.File("text")));
    }

    [Fact]
    public async Task Closing_writes_what_is_queued_and_refuses_more()
    {
        var log = Open(_directory.File("closing"));
        await log.CreateTopicAsync("t", 1);
        var reader = log.ReadAsync(P0, 0, ReadLimits.Default).GetAsyncEnumerator();
        var appends = Enumerable.Range(0, 100).Select(i => log.AppendAsync("t", [Record("k", $"{i}")]).AsTask()).ToList();
        await log.DisposeAsync();
        Assert.Equal(Enumerable.Range(0, 100), (await Task.WhenAll(appends)).Select(p => (int)p[0].Offset));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await log.AppendAsync("t", [Record("k", "v")]));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await reader.MoveNextAsync());
        log = Open(PathOf(log));
        Assert.Equal(100, (await log.ReadToEndAsync(P0)).Count);
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_record_above_the_bound_is_refused_with_the_remedy()
    {
        var log = Open(_directory.File("large"), maxRecordBytes: 10);
        await log.CreateTopicAsync("t", 1);
        var error = await Assert.ThrowsAsync<ArgumentException>(async () => await log.AppendAsync("t", [Record("k", "0123456789")]));
        Assert.Contains("has 11 bytes, but MaxRecordBytes is 10", error.Message, StringComparison.Ordinal);
        await CloseAsync(log);
    }

    [Fact]
    public void Wrong_options_are_named_all_at_once()
    {
        var error = Assert.Throws<ArgumentException>(() => SqliteChangeLog.Open(new() { Path = "", Readers = 0 }));
        Assert.Equal("Path is missing. Readers is 0, but must be 1 to 64.", error.Message);
    }

    protected override Task<IChangeLog> OpenAsync() => Task.FromResult<IChangeLog>(Open(_directory.File(Guid.NewGuid().ToString("N"))));

    protected override async Task<IChangeLog> AgainAsync(IChangeLog log)
    {
        await CloseAsync(log);
        return Open(PathOf(log));
    }

    private static long Number(string path, string sql)
    {
        using var session = new SqliteSession(path, readOnly: true, 0);
        return SqliteSession.Number(session.Prepare(sql))!.Value;
    }

    private static Task LimitAsync(SqliteChangeLog log, int pages)
    {
        var work = new LimitWork(pages);
        log.Writer.Enqueue(work, CancellationToken.None);
        return work.Task;
    }

    private string PathOf(IChangeLog log) => _paths[log];

    private SqliteChangeLog Open(string path, int lockWaitMilliseconds = 20, int maxRecordBytes = 1 << 20, int maxCommitRecords = 100_000)
    {
        var log = SqliteChangeLog.Open(new()
        {
            Path = path,
            LockWaitMilliseconds = lockWaitMilliseconds,
            MaxRecordBytes = maxRecordBytes,
            MaxCommitRecords = maxCommitRecords,
        });
        _paths[log] = path;
        return log;
    }

    /// <summary>A disk that is full, as SQLite sees it: the file may not grow. The limit is one of the writing connection.</summary>
    private sealed class LimitWork(int pages) : LogWork
    {
        public override int Rows => 1;

        public override long Bytes => 0;

        public override void Apply(LogWriter writer)
        {
            _ = SqliteSession.Number(writer.Session.Prepare($"PRAGMA max_page_count={pages}"));
            Answer = [];
        }
    }
}
