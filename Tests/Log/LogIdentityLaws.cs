using ActorStreams.Log;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Log;

/// <summary>A log has an identity (semantics §2): a position of one log is not a position of another.</summary>
public abstract partial class ChangeLogContract
{
    private static readonly TopicPartition First = new("t", 0);

    /// <summary>False where the brokers of the test give topics no ids.</summary>
    protected virtual bool KnowsIds => true;

    [Fact]
    public async Task A_topic_keeps_its_id_and_one_made_again_has_another()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.CreateTopicAsync("u", 1);
        var before = await log.DescribeAsync("t");
        log = await AgainAsync(log);
        Assert.Equal(before, await log.DescribeAsync("t"));
        Assert.Equal(before, (await log.ListTopicsAsync())[0]);
        if (KnowsIds)
        {
            Assert.NotEqual(before!.Id, (await log.DescribeAsync("u"))!.Id);
            await log.DeleteTopicAsync("t");
            await log.CreateTopicAsync("t", 1);
            Assert.NotEqual(before.Id, (await log.DescribeAsync("t"))!.Id);
        }

        await CloseAsync(log);
    }

    [Fact]
    public async Task A_position_goes_on_in_the_log_that_it_was_reached_in()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", Numbered(0, 10));
        var reached = (await ReadAsync(log, 0, 10)).Log;
        Assert.Equal((await log.DescribeAsync("t"))!.Id, reached?.Topic);
        log = await AgainAsync(log);
        await log.AppendAsync("t", Numbered(10, 10));
        var next = await ReadAsync(log, 10, 20, reached);
        Assert.Equal(Enumerable.Range(10, 10).Select(i => $"{i}"), next.Records.Select(record => record.Value.Text()));
        log = await AgainAsync(log);
        await log.AppendAsync("t", Numbered(20, 1));
        foreach (var at in new[] { next.Log, next.Log?.WithoutEpoch, null })
            Assert.Equal("20", Assert.Single((await ReadAsync(log, 20, 21, at)).Records).Value.Text());
        await CloseAsync(log);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(200)]
    public async Task A_position_is_none_of_a_topic_that_was_made_again(int records)
    {
        Assert.SkipUnless(KnowsIds, "The brokers give topics no ids.");
        var log = await OpenAsync();
        var reached = await ReadFortyAsync(log);
        await log.DeleteTopicAsync("t");
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", Numbered(1_000, records));
        await ThrowsChangedAsync(log, 40, reached);
        log = await AgainAsync(log);
        var error = await ThrowsChangedAsync(log, 40, reached);
        Assert.Contains($"{error.Partition} was read up to offset 40", error.Message, StringComparison.Ordinal);
        Assert.Contains($"the topic had the id {reached.Topic} then", error.Message, StringComparison.Ordinal);
        Assert.Equal(40, error.Offset);
        await CloseAsync(log);
    }

    [Theory]
    [InlineData(10, false)]
    [InlineData(200, false)]
    [InlineData(200, true)]
    public async Task A_running_reader_gets_nothing_of_a_topic_that_is_made_again(int records, bool slowly)
    {
        Assert.SkipUnless(KnowsIds, "The brokers give topics no ids.");
        var log = await OpenAsync();
        var reached = await ReadFortyAsync(log);
        var batches = log.ReadAsync(First, 40, ReadLimits.Default, reached).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var next = batches.MoveNextAsync().AsTask();
        await log.DeleteTopicAsync("t");
        if (slowly)
            await Task.WhenAny(next, Task.Delay(1_000, TestContext.Current.CancellationToken));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", Numbered(1_000, records));
        try
        {
            while (await next)
            {
                Assert.Empty(batches.Current.Records);
                next = batches.MoveNextAsync().AsTask();
            }
        }
        catch (Exception error) when (error is LogChangedException or UnknownTopicException)
        {
            await batches.DisposeAsync();
        }

        await ThrowsChangedAsync(log, 40, reached);
        await CloseAsync(log);
    }

    private static NewRecord[] Numbered(int from, int count) => [.. Enumerable.Range(from, count).Select(i => Record("k", $"{i}"))];

    private static async Task<LogIdentity> ReadFortyAsync(IChangeLog log)
    {
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", Numbered(0, 40));
        return (await ReadAsync(log, 0, 40)).Log!.Value;
    }

    /// <summary>The records of a range as one batch, with the identity of its end.</summary>
    private static async Task<RecordBatch> ReadAsync(IChangeLog log, long from, long to, LogIdentity? reached = null)
    {
        List<ChangeRecord> records = [];
        await foreach (var batch in log.ReadAsync(First, from, ReadLimits.Default, reached, TestContext.Current.CancellationToken))
        {
            records.AddRange(batch.Records);
            if (batch.NextOffset >= to)
                return new() { Partition = First, Records = records, NextOffset = to, EndOffset = batch.EndOffset, Log = batch.Log };
        }

        throw new InvalidOperationException("A reader ended by itself.");
    }

    private static Task<LogChangedException> ThrowsChangedAsync(IChangeLog log, long from, LogIdentity reached) =>
        Assert.ThrowsAsync<LogChangedException>(async () => await log.ReadAsync(First, from, ReadLimits.Default, reached).FirstAsync());
}
