using ActorStreams.Log;
using CsCheck;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Log;

/// <summary>What holds on every change log.</summary>
public abstract partial class ChangeLogContract
{
    private static readonly Gen<ReadOnlyMemory<byte>?> GenBytes = Gen.Frequency(
        (1, Gen.Const((ReadOnlyMemory<byte>?)null)),
        (6, Gen.Byte.Array[0, 40].Select(b => (ReadOnlyMemory<byte>?)b)),
        (1, Gen.Byte.Array[0, 3_000].Select(b => (ReadOnlyMemory<byte>?)b)),
        (1, Gen.Select(Gen.Int[20_000, 150_000], Gen.Byte, (n, b) => (ReadOnlyMemory<byte>?)Enumerable.Repeat(b, n).ToArray())));

    private static readonly Gen<IReadOnlyList<RecordHeader>> GenHeaders =
        Gen.Select(Gen.String[0, 5].Where(IsText), Gen.Byte.Array[0, 9], (name, value) => new RecordHeader(name, value)).List[0, 3]
            .Select(h => (IReadOnlyList<RecordHeader>)h);

    private static readonly Gen<ReadLimits> GenLimits = Gen.Select(
        Gen.OneOf(1, 2, 7, 1_000), Gen.OneOf(1, 100, 5_000, 1 << 20), (r, b) => new ReadLimits(r, b));

    /// <summary>The timestamps that this log takes.</summary>
    protected virtual Gen<long> GenTimestamp => Gen.OneOf(Gen.Long[-50, 50], Gen.Long);

    /// <summary>False where the log under test cannot find an offset by time.</summary>
    protected virtual bool FindsByTime => true;

    /// <summary>How many random logs are tried: fewer where each costs more.</summary>
    protected virtual int RandomLogs => 40;

    private Gen<NewRecord> GenRecord => Gen.Select(
        Gen.Int[0, 2], GenTimestamp, GenBytes, GenBytes, GenHeaders,
        (
            partition,
            timestamp,
            key,
            value,
            headers) => new NewRecord { Partition = partition, Timestamp = timestamp, Key = key, Value = value, Headers = headers });

    /// <summary>A new, empty log.</summary>
    protected abstract Task<IChangeLog> OpenAsync();

    /// <summary>How the log under test calls a topic of the test.</summary>
    protected virtual string NameOf(IChangeLog log, string topic) => topic;

    /// <summary>The log after what its kind can survive: a durable one is closed and opened again.</summary>
    protected virtual Task<IChangeLog> AgainAsync(IChangeLog log) => Task.FromResult(log);

    protected static async ValueTask CloseAsync(IChangeLog log)
    {
        if (log is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }

    [Fact]
    public Task Records_come_back_as_they_were_appended() => Gen
        .Select(GenRecord.Array[0, 30].List[1, 6], GenLimits, Gen.Int[0, 40])
        .SampleAsync(
            async (appends, limits, start) =>
            {
                var log = await OpenAsync();
                await log.CreateTopicAsync("t", 3);
                var model = new List<NewRecord>[] { [], [], [] };
                foreach (var append in appends)
                {
                    var positions = await log.AppendAsync("t", append);
                    Assert.Equal(append.Select(r => Add(model[r.Partition], r)), positions);
                }

                await CheckAsync(log, model, limits, start);
                log = await AgainAsync(log);
                await CheckAsync(log, model, limits, start);
                await CloseAsync(log);
            },
            iter: RandomLogs, threads: 1);

    [Fact]
    public async Task Concurrent_appends_land_once_each_and_each_callers_keep_their_order()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 2);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            // Not awaited one by one: the order of the calls counts.
            var appends = Enumerable.Range(0, 100)
                .Select(i => log.AppendAsync("t", [Record($"{caller}", $"{i}", partition: caller % 2)]).AsTask());
            await Task.WhenAll(appends.ToList());
        })));

        var records = (await log.ReadToEndAsync(new("t", 0))).Concat(await log.ReadToEndAsync(new("t", 1)));
        foreach (var caller in records.GroupBy(r => r.Key.Text()))
            Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), caller.Select(r => r.Value.Text()));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_live_reader_at_the_end_is_woken_by_an_append()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 2);
        await using var reader = log.ReadAsync(new("t", 1), 0, ReadLimits.Default).GetAsyncEnumerator();
        for (var i = 0; i < 20; i++)
        {
            var waiting = reader.MoveNextAsync();
            Assert.False(waiting.IsCompleted);
            await log.AppendAsync("t", [Record("other", "partition", partition: 0)]);
            Assert.False(waiting.IsCompleted);
            await log.AppendAsync("t", [Record("k", $"{i}", partition: 1)]);
            Assert.True(await waiting);
            Assert.Equal($"{i}", Assert.Single(reader.Current.Records).Value.Text());
            Assert.Equal(i + 1, reader.Current.NextOffset);
        }

        await CloseAsync(log);
    }

    [Fact]
    public async Task Many_live_readers_see_all_that_is_appended_meanwhile()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        var readers = Enumerable.Range(0, 20).Select(async n =>
        {
            var seen = 0L;
            await foreach (var batch in log.ReadAsync(new("t", 0), 0, new(1 + n, 1 << 20)))
            {
                foreach (var record in batch.Records)
                    Assert.Equal(seen++, record.Offset);
                if (seen == 500)
                    return;
            }
        }).ToList();
        for (var i = 0; i < 100; i++)
            await log.AppendAsync("t", [.. Enumerable.Repeat(Record("k", "v"), 5)]);
        await Task.WhenAll(readers);
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_waiting_reader_can_be_cancelled()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        using var cancel = new CancellationTokenSource();
        await using var reader = log.ReadAsync(new("t", 0), 0, ReadLimits.Default, cancellationToken: cancel.Token)
            .GetAsyncEnumerator(CancellationToken.None);
        var waiting = reader.MoveNextAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_tombstone_is_not_an_empty_value_and_no_key_is_not_an_empty_key()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record(null, null), Record("", ""), Record("k", null), Record(null, "v")]);
        var records = await (log = await AgainAsync(log)).ReadToEndAsync(new("t", 0));
        Assert.Equal([true, false, true, false], records.Select(r => r.IsTombstone));
        Assert.Equal([true, false, false, true], records.Select(r => r.Key is null));
        Assert.Equal(0, records[1].Value!.Value.Length);
        Assert.Equal(0, records[1].Key!.Value.Length);
        await CloseAsync(log);
    }

    [Fact]
    public async Task An_append_of_nothing_answers_nothing()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        Assert.Empty(await log.AppendAsync("t", []));
        Assert.Equal(new OffsetRange(0, 0), Assert.Single(await log.OffsetsAsync("t")));
        await CloseAsync(log);
    }

    [Fact]
    public async Task An_offset_after_the_end_or_below_zero_is_refused()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("k", "v")]);
        foreach (var offset in new[] { -1L, 2L })
        {
            var error = await Assert.ThrowsAsync<OffsetOutOfRangeException>(
                async () => await log.ReadAsync(new("t", 0), offset, ReadLimits.Default).FirstAsync());
            Assert.Equal(new OffsetRange(0, 1), error.Range);
        }

        await CloseAsync(log);
    }

    [Fact]
    public async Task What_the_log_does_not_have_is_refused()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 2);
        await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.AppendAsync("u", [Record("k", "v")]));
        await Assert.ThrowsAsync<UnknownTopicException>(
            async () => await log.AppendAsync("t", [Record("k", "v"), Record("k", "v", partition: 2)]));
        await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.OffsetsAsync("u"));
        await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.LimitsAsync("u"));
        await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.OffsetAtAsync(new("t", 2), default));
        await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.ReadAsync(new("t", -1), 0, ReadLimits.Default).FirstAsync());
        Assert.Null(await log.DescribeAsync("u"));
        Assert.Equal([new(0, 0), new(0, 0)], await log.OffsetsAsync("t"));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_record_as_large_as_the_limit_is_taken_and_a_larger_one_is_refused()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("t", 1);
        var limits = await log.LimitsAsync("t");
        if (limits.MaxRecordBytes < int.MaxValue)
        {
            var value = new byte[limits.MaxRecordBytes];
            Random.Shared.NextBytes(value); // so that it stays as large when it is compressed
            await log.AppendAsync("t", [new() { Partition = 0, Timestamp = 1, Value = value }]);
            await Assert.ThrowsAsync<ArgumentException>(
                async () => await log.AppendAsync("t", [new() { Partition = 0, Timestamp = 1, Key = Utf8("k"), Value = value }]));
            Assert.Equal(value, Assert.Single(await log.ReadToEndAsync(new("t", 0))).Value!.Value.ToArray());
        }

        Assert.Null(limits.Refusal(1, 1, DateTimeOffset.UnixEpoch.AddDays(20_000)));
        await CloseAsync(log);
    }

    [Fact]
    public async Task A_topic_is_found_again_but_not_with_other_partitions()
    {
        var log = await OpenAsync();
        await log.CreateTopicAsync("b", 2);
        await log.CreateTopicAsync("a", 3);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => log.CreateTopicAsync("c", 1).AsTask()));
        log = await AgainAsync(log);
        await log.CreateTopicAsync("b", 2);
        var error = await Assert.ThrowsAsync<TopicMismatchException>(async () => await log.CreateTopicAsync("b", 5));
        Assert.Contains($"'{NameOf(log, "b")}' has 2 partitions, but 5", error.Message, StringComparison.Ordinal);
        var topics = await log.ListTopicsAsync();
        Assert.Equal([new("a", 3), new("b", 2), new("c", 1)], topics.Select(topic => topic with { Id = null }));
        Assert.Equal(topics[0], await log.DescribeAsync("a"));
        await CloseAsync(log);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a,b")]
    [InlineData("a/b")]
    public async Task A_topic_name_that_Kafka_would_refuse_is_refused(string name)
    {
        var log = await OpenAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await log.CreateTopicAsync(name, 1));
        await CloseAsync(log);
    }

    private static bool IsText(string text) => !text.Any(char.IsSurrogate);

    private static Position Add(List<NewRecord> partition, NewRecord record)
    {
        partition.Add(record);
        return new("t", record.Partition, partition.Count - 1);
    }

    private async Task CheckAsync(IChangeLog log, List<NewRecord>[] model, ReadLimits limits, int start)
    {
        Assert.Equal(model.Select(p => new OffsetRange(0, p.Count)), await log.OffsetsAsync("t"));
        for (var partition = 0; partition < model.Length; partition++)
        {
            var expected = model[partition];
            var from = Math.Min(start, expected.Count);
            var records = await log.ReadToEndAsync(new("t", partition), from, limits);
            Assert.Equal(expected.Select((r, i) => r.Show(i)).Skip(from), records.Select(r => r.Show()));
            await CheckLimitsAsync(log, new("t", partition), from, expected.Count, limits);
            if (!FindsByTime)
                continue;
            foreach (
                var instant in expected.Select(r => r.Timestamp).Concat([0, -51, 51]).Where(t => Math.Abs(t / 10) < 1_000_000_000_000)
                    .Distinct())
            {
                var first = expected.FindIndex(r => r.Timestamp > instant);
                Assert.Equal(
                    first < 0 ? expected.Count : first,
                    await log.OffsetAtAsync(new("t", partition), DateTimeOffset.FromUnixTimeMilliseconds(instant)));
            }
        }
    }

    private static async Task CheckLimitsAsync(IChangeLog log, TopicPartition partition, long from, long to, ReadLimits limits)
    {
        await foreach (var batch in log.ReadRangeAsync(partition, from, to, limits))
        {
            Assert.Equal(partition, batch.Partition);
            Assert.Equal(batch.Records[^1].Offset + 1, batch.NextOffset);
            Assert.Equal(to, batch.EndOffset);
            Assert.True(batch.Records.Count <= limits.MaxRecords);
            Assert.True(batch.Records.Count == 1 || batch.Records.Sum(r => r.Size) <= limits.MaxBytes);
        }
    }
}

public sealed class InMemoryChangeLogTests : ChangeLogContract
{
    protected override Task<IChangeLog> OpenAsync() => Task.FromResult<IChangeLog>(new InMemoryChangeLog());
}
