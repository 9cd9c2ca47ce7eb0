using System.Text;
using ActorStreams.Grains;
using ActorStreams.Grains.Appends;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Tests.Log;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace ActorStreams.Tests.Appends;

/// <summary>Appends with an idempotency key, over several silos that share a log and keys, all in one process with a fake clock.</summary>
public sealed class KeyedAppendTests : IAsyncLifetime
{
    private const string Topic = "t";

    private readonly FakeTimeProvider _time = new();
    private readonly InMemoryChangeLog _stored = new();
    private readonly TroubledLog _log;
    private readonly TroubledKeys _keys;
    private readonly KeyedAppends _one;
    private readonly KeyedAppends _other;

    public KeyedAppendTests()
    {
        (_log, _keys) = (new(_stored, _time), new(new InMemoryAppendKeys(_time)));
        (_one, _other) = (Silo(_log), Silo(_log));
    }

    public ValueTask InitializeAsync() => _stored.CreateTopicAsync(Topic, 2);

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task The_same_append_twice_is_one_record_and_the_second_is_told_where()
    {
        var first = await SendAsync(_one, "key", "a", "b", "c");
        var second = await SendAsync(_other, "key", "a", "b", "c");
        Assert.Equal((false, true), (first.IsReplay, second.IsReplay));
        Assert.Equal(first.Positions, second.Positions);
        Assert.Equal(["a", "b", "c"], (await ValuesAsync()).Order());
    }

    [Theory]
    [InlineData("key", Topic, "other")]
    [InlineData("key", Topic, "a", "b")]
    [InlineData("key", "u", "a")]
    public async Task A_key_that_was_sent_for_something_else_is_refused(string key, string topic, params string[] values)
    {
        await _stored.CreateTopicAsync("u", 2);
        await SendAsync(_one, "key", "a");
        var refused = await Assert.ThrowsAsync<RequestRefusedException>(() => _other.AppendAsync(
            topic, Records(Key(key, topic, values), values), Key(key, topic, values)));
        Assert.Equal(422, refused.Status);
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task Keys_of_two_callers_and_two_keys_of_one_do_not_meet()
    {
        string[][] sent = [["ann", "k"], ["bob", "k"], ["ann", "kk"], ["annk", "k"], ["", "k"], ["", "annk"], ["an", "nk"]];
        Assert.Equal(sent.Length, sent.Select(one => AppendKey.Of(one[0], one[1], Topic, []).Id).Distinct().Count());
        Assert.NotEqual(AppendKey.Of("", "k", Topic, Bytes("ab")).Digest, AppendKey.Of("", "k", Topic, Bytes("a", "b")).Digest);
        foreach (var caller in new[] { "ann", "bob" })
        {
            var key = AppendKey.Of(caller, "k", Topic, Bytes("a"));
            Assert.False((await _one.AppendAsync(Topic, Records(key, ["a"]), key)).IsReplay);
        }

        Assert.Equal(["a", "a"], await ValuesAsync());
    }

    [Fact]
    public async Task An_append_that_landed_but_was_not_answered_is_found_at_once()
    {
        _log.Decide = count => (Fate.LandsUnanswered, count, default);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", "a", "b"));
        var found = await SendAsync(_other, "key", "a", "b");
        Assert.True(found.IsReplay);
        Assert.Equal(found.Positions, (await SendAsync(_one, "key", "a", "b")).Positions);
        Assert.Equal(["a", "b"], (await ValuesAsync()).Order());
    }

    [Fact]
    public async Task An_append_that_may_still_land_is_not_tried_again_before_it_cannot()
    {
        _log.Decide = count => (Fate.LandsLater, count, TroubledLog.Longest);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", "a"));
        _log.Decide = count => (Fate.Lands, count, default);
        _time.Advance(TroubledLog.Longest - TimeSpan.FromSeconds(1));
        var early = await Assert.ThrowsAsync<RequestRefusedException>(() => SendAsync(_other, "key", "a"));
        Assert.Equal((409, 5), (early.Status, early.RetryAfterSeconds));
        _time.Advance(TimeSpan.FromSeconds(1));
        await _log.LandAsync();
        Assert.True((await SendAsync(_other, "key", "a")).IsReplay);
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task An_append_that_never_landed_is_made_by_whoever_asks_when_it_cannot_land_any_more()
    {
        _log.Decide = count => (Fate.Fails, count, default);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", "a"));
        _log.Decide = count => (Fate.Lands, count, default);
        _time.Advance(TroubledLog.Longest + TimeSpan.FromSeconds(KeyedAppends.MaxClaimSeconds));
        Assert.False((await SendAsync(_other, "key", "a")).IsReplay);
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task On_a_log_of_one_process_a_failed_append_is_made_at_once()
    {
        var silo = Silo(new(_stored, _time) { LongestAppend = null, Decide = count => (Fate.Fails, count, default) });
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(silo, "key", "a"));
        Assert.False((await SendAsync(Silo(new(_stored, _time) { LongestAppend = null }), "key", "a")).IsReplay);
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task Of_an_append_that_landed_in_part_only_the_rest_is_appended()
    {
        string[] values = [.. Enumerable.Range(0, 20).Select(i => $"v{i}")];
        _log.Decide = _ => (Fate.LandsUnanswered, 7, default);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", values));
        await Assert.ThrowsAsync<RequestRefusedException>(() => SendAsync(_other, "key", values));
        _time.Advance(TimeSpan.FromHours(1));
        _log.Decide = count => (Fate.Lands, count, default);
        var positions = (await SendAsync(_other, "key", values)).Positions;
        Assert.Equal(values.Order(), (await ValuesAsync()).Order());
        await CheckAsync(_stored, values, positions);
    }

    [Fact]
    public async Task While_the_store_is_away_nothing_is_appended()
    {
        _keys.Fault = _ => throw new StoreUnavailableException("The store is away.");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => SendAsync(_one, "key", "a"));
        Assert.Empty(await ValuesAsync());
        _keys.Fault = _ => { };
        Assert.False((await SendAsync(_one, "key", "a")).IsReplay);
    }

    [Fact]
    public async Task A_claim_that_took_too_long_is_not_appended_on()
    {
        _keys.Fault = isAfter => _time.Advance(TimeSpan.FromSeconds(isAfter ? KeyedAppends.MaxClaimSeconds + 1 : 0));
        var slow = await Assert.ThrowsAsync<StoreUnavailableException>(() => SendAsync(_one, "key", "a"));
        Assert.Contains("longer than 10 s", slow.Message, StringComparison.Ordinal);
        Assert.Empty(await ValuesAsync());
    }

    [Fact]
    public async Task Where_the_outcome_cannot_be_noted_the_append_is_answered_and_found_later()
    {
        var writes = 0;
        _keys.Fault = isAfter =>
        {
            if (!isAfter && ++writes == 2)
                throw new StoreUnavailableException("The store is away.");
        };
        var first = await SendAsync(_one, "key", "a");
        var second = await SendAsync(_other, "key", "a");
        Assert.Equal((first.Positions[0], true), (second.Positions[0], second.IsReplay));
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task While_readers_are_held_before_the_end_nothing_is_appended_again()
    {
        _log.Decide = count => (Fate.LandsUnanswered, count, default);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", "a"));
        _log.Decide = count => (Fate.Lands, count, default);
        _time.Advance(TimeSpan.FromHours(1));
        _log.Held = 1;
        var sent = SendAsync(_other, "key", "a");
        _time.Advance(TimeSpan.FromSeconds(ClaimSearch.MaxSeconds));
        Assert.Equal(409, (await Assert.ThrowsAsync<RequestRefusedException>(() => sent)).Status);
        _log.Held = 0;
        Assert.True((await SendAsync(_other, "key", "a")).IsReplay);
        Assert.Equal(["a"], await ValuesAsync());
    }

    [Fact]
    public async Task Where_the_log_lost_the_records_in_question_the_answer_says_that_it_cannot_be_known()
    {
        await SendAsync(_one, "before", "a", "b", "c", "d");
        _log.Decide = count => (Fate.Fails, count, default);
        await Assert.ThrowsAsync<LogUnavailableException>(() => SendAsync(_one, "key", "a"));
        var another = new InMemoryChangeLog();
        await another.CreateTopicAsync(Topic, 2);
        var refused = await Assert.ThrowsAsync<RequestRefusedException>(() => SendAsync(Silo(new(another, _time)), "key", "a"));
        Assert.Equal((410, null), (refused.Status, refused.RetryAfterSeconds));
    }

    [Fact]
    public async Task A_key_that_has_expired_is_a_new_one()
    {
        await SendAsync(_one, "key", "a");
        _time.Advance(new RecordLimits().KeyLifetime - TimeSpan.FromSeconds(1));
        Assert.True((await SendAsync(_other, "key", "a")).IsReplay);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False((await SendAsync(_other, "key", "b")).IsReplay);
    }

    /// <summary>
    /// Two silos repeat an append of one to twenty records until it is answered, while appends fail, land in part, unanswered and late, and
    /// the store fails before and after it has written. Each record is in the log once, and where the answer says.
    /// </summary>
    [Fact]
    public Task Whatever_fails_each_record_lands_once_where_the_answer_says() => Gen.Select(Gen.Int[1, 20], Gen.Int)
        .SampleAsync(
            async (count, seed) =>
            {
                var random = new Random(seed);
                var (time, stored) = (new FakeTimeProvider(), new InMemoryChangeLog());
                await stored.CreateTopicAsync(Topic, 2);
                var (log, keys) = (new TroubledLog(stored, time), new TroubledKeys(new InMemoryAppendKeys(time)));
                log.Decide = records => random.Next(3) == 0
                    ? (Fate.Lands, records, default)
                    : ((Fate)random.Next(1, 4), random.Next(records + 1), TroubledLog.Longest * random.NextDouble());
                keys.Fault = _ =>
                {
                    time.Advance(TimeSpan.FromSeconds(random.Next(10) == 0 ? random.Next(15) : 0));
                    if (random.Next(6) == 0)
                        throw new StoreUnavailableException("The store is away.");
                };
                KeyedAppends[] silos = [Silo(log, keys, time), Silo(log, keys, time)];
                string[] values = [.. Enumerable.Range(0, count).Select(i => $"v{i}")];
                var key = Key("key", Topic, values);
                for (var answers = 0; answers < 3;)
                {
                    time.Advance(TimeSpan.FromSeconds(random.Next(40)));
                    await log.LandAsync();
                    try
                    {
                        var positions = (await silos[random.Next(2)].AppendAsync(Topic, Records(key, values), key)).Positions;
                        answers++;
                        await CheckAsync(stored, values, positions);
                    }
                    catch (Exception e)
                        when (e is LogUnavailableException or StoreUnavailableException or RequestRefusedException { Status: 409 })
                    {
                    }
                }

                time.Advance(TroubledLog.Longest);
                await log.LandAsync();
                Assert.Equal(values.Order(), (await ValuesAsync(stored)).Order());
            },
            iter: 300, threads: 1);

    private KeyedAppends Silo(TroubledLog log) => Silo(log, _keys, _time);

    private static KeyedAppends Silo(TroubledLog log, TroubledKeys keys, TimeProvider time) =>
        new(log, keys, new RecordLimits(), time, NullLogger<KeyedAppends>.Instance);

    private static Task<KeyedPositions> SendAsync(KeyedAppends silo, string key, params string[] values) =>
        silo.AppendAsync(Topic, Records(Key(key, Topic, values), values), Key(key, Topic, values));

    private static AppendKey Key(string key, string topic, string[] values) => AppendKey.Of("", key, topic, Bytes(values));

    private static IEnumerable<ReadOnlyMemory<byte>> Bytes(params string[] values) =>
        values.Select(value => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(value));

    private static NewRecord[] Records(AppendKey key, string[] values) =>
    [
        .. values.Select((value, i) => key.Mark(
            new() { Partition = value.Length % 2, Timestamp = 1, Key = new byte[] { 1 }, Value = Encoding.UTF8.GetBytes(value) }, i)),
    ];

    private static async Task CheckAsync(InMemoryChangeLog log, string[] values, IReadOnlyList<Position> positions)
    {
        Assert.Equal(values.Length, positions.Count);
        foreach (var (value, position) in values.Zip(positions))
            Assert.Equal(value, (await log.ReadToEndAsync(new(Topic, position.Partition)))[(int)position.Offset].Value.Text());
    }

    private Task<List<string>> ValuesAsync() => ValuesAsync(_stored);

    private static async Task<List<string>> ValuesAsync(InMemoryChangeLog log) =>
    [
        .. (await log.ReadToEndAsync(new(Topic, 0))).Concat(await log.ReadToEndAsync(new(Topic, 1))).Select(record => record.Value.Text()!),
    ];
}
