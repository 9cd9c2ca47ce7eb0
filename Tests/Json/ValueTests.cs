using System.Diagnostics;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Definitions;
using ActorStreams.Formats;
using ActorStreams.Log;
using ActorStreams.Tests.Folding;

namespace ActorStreams.Tests.Json;

/// <summary>What is taken from outside, and what is refused since it would not be what was meant.</summary>
public sealed class ValueTests
{
    [Theory]
    [InlineData("{\"amount\":79228162514264337593543950335}", true)]
    [InlineData("{\"amount\":79228162514264337593543950336}", false)]
    [InlineData("{\"amount\":12345678901.123456789012345678}", true)]
    [InlineData("{\"amount\":123456789012.123456789012345678}", false)]
    [InlineData("{\"amount\":0.10000000000000000000000000000000000}", true)]
    [InlineData("{\"amount\":1e-28}", true)]
    [InlineData("{\"amount\":1e-29}", false)]
    [InlineData("{\"amount\":-1.5E3}", true)]
    [InlineData("{\"amount\":1e99999999999999999999}", false)]
    [InlineData("{\"count\":1.0}", true)]
    [InlineData("{\"count\":1e3}", true)]
    [InlineData("{\"count\":-0.0}", true)]
    [InlineData("{\"count\":1.5}", false)]
    [InlineData("{\"count\":1e10}", false)]
    [InlineData("{\"big\":123456789012345678901234567890123456789012345678901234567890}", true)]
    [InlineData("{\"big\":3.0}", true)]
    [InlineData("{\"big\":1e400000000}", false)]
    [InlineData("{\"color\":1}", true)]
    [InlineData("{\"color\":7}", false)]
    [InlineData("{\"named\":\"Red\"}", true)]
    [InlineData("{\"named\":9}", false)]
    [InlineData("{\"rights\":3}", true)]
    [InlineData("{\"rights\":4}", false)]
    [InlineData("{\"at\":\"2026-07-01T12:00:00Z\"}", true)]
    [InlineData("{\"at\":\"2026-07-01T12:00:00+09:00\"}", true)]
    [InlineData("{\"at\":\"2026-07-01T12:00:00\"}", false)]
    [InlineData("{\"at\":\"2026-07-01\"}", false)]
    [InlineData("{\"at\":\"never\"}", false)]
    [InlineData("{\"utc\":\"2026-07-01T12:00:00+09:00\"}", true)]
    [InlineData("{\"utc\":\"2026-07-01T12:00:00\"}", false)]
    public async Task A_value_is_taken_as_it_is_meant_or_refused(string json, bool isTaken)
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Thing>()));
        await run.AppendAsync<Thing>("k", Encoding.UTF8.GetBytes(json));
        Assert.Equal(isTaken, run.DeadLetters.Count == 0);
        Assert.Equal(isTaken, await run.StateAsync<Thing>("k") is not null);
        await run.AssertIsBatchAsync<Thing>();
    }

    [Fact]
    public async Task A_whole_number_of_any_size_is_stored_as_it_came_and_summed()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Thing>().AddView<Bigs>()));
        await run.AppendAsync<Thing>("a", "{\"big\":100000000000000000000000000000000000000001}"u8.ToArray());
        await run.AppendAsync<Thing>("b", "{\"big\":-1}"u8.ToArray());
        Assert.Equal("{\"sum\":100000000000000000000000000000000000000000}", await run.StateAsync<Bigs>("all"));
    }

    [Theory]
    [InlineData("UTC")]
    [InlineData("Asia/Seoul")]
    public async Task The_same_values_come_to_the_same_states_in_every_zone(string zone)
    {
        // In a process of its own, since a zone is looked up once.
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "--filter-method", "*Times_are_stored_without_the_hosts_zone" },
            Environment = { ["TZ"] = zone, ["ACTORSTREAMS_ZONE"] = zone },
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
    }

    [Fact]
    public async Task Times_are_stored_without_the_hosts_zone()
    {
        if (Environment.GetEnvironmentVariable("ACTORSTREAMS_ZONE") is { } zone)
            Assert.Equal(zone == "UTC" ? 0 : 9, TimeZoneInfo.Local.GetUtcOffset(DateTimeOffset.UnixEpoch).TotalHours);
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Thing>()));
        await run.AppendAsync<Thing>("k", "{\"utc\":\"2026-07-01T12:00:00+02:00\",\"at\":\"2026-07-01T12:00:00+02:00\"}"u8.ToArray());
        Assert.Contains(
            "\"at\":\"2026-07-01T12:00:00+02:00\",\"utc\":\"2026-07-01T10:00:00Z\",\"day\":\"2026-07-01T00:00:00Z\"",
                await run.StateAsync<Thing>("k"));
        await run.AppendAsync<Thing>("local", "{\"color\":1,\"isLocal\":true}"u8.ToArray());
        Assert.Contains("A DateTime of the host's zone cannot be stored", Assert.Single(run.DeadLetters));
    }

    [Fact]
    public void Zero_is_one_value_whatever_its_sign()
    {
        Assert.Equal(OrderedCodec<double>.Instance.Encode(0.0, false), OrderedCodec<double>.Instance.Encode(-0.0, false));
        Assert.Equal(OrderedCodec<decimal>.Instance.Encode(0m, false), OrderedCodec<decimal>.Instance.Encode(-0.0m, false));
        Assert.Equal(
            OrderedCodec<double>.Instance.Encode(double.NaN, true),
                OrderedCodec<double>.Instance.Encode(BitConverter.Int64BitsToDouble(0x7FF8000000000001), true));
    }

    [Fact]
    public async Task A_sum_that_would_lose_digits_is_a_dead_letter_and_what_was_summed_stays_exact()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Thing>().AddView<Amounts>()));
        await run.AppendAsync<Thing>("small", "{\"amount\":0.1}"u8.ToArray());
        await run.AppendAsync<Thing>("huge", "{\"amount\":79228162514264337593543950335}"u8.ToArray());
        Assert.Contains("A decimal of the state was rounded", Assert.Single(run.DeadLetters));
        await run.AppendAsync<Thing>("huge", (object?)null);
        Assert.Equal("{\"sum\":0.1,\"mean\":{\"sum\":0.1,\"count\":1,\"value\":0.1}}", await run.StateAsync<Amounts>("all"));
        await run.AppendAsync<Thing>("third", "{\"amount\":9.9}"u8.ToArray());
        await run.AppendAsync<Thing>("fourth", "{\"amount\":0}"u8.ToArray());
        Assert.Equal(
            "{\"sum\":10,\"mean\":{\"sum\":10,\"count\":3,\"value\":3.3333333333333333333333333333}}",
                await run.StateAsync<Amounts>("all"));
        Assert.Single(run.DeadLetters);
        await run.AssertIsBatchAsync<Amounts>();
    }

    [Fact]
    public void A_difference_beyond_the_range_of_its_type_is_found()
    {
        var change = new Change<Number> { Key = "k", Before = new(int.MinValue, long.MinValue, 0.1m),
            After = new(1, 1, 79228162514264337593543950335m) };
        Assert.Throws<OverflowException>(() => change.Sum(n => n.Small));
        Assert.Throws<OverflowException>(() => change.Sum(n => n.Large));
        Assert.Throws<OverflowException>(() => change.Sum(n => n.Exact));
        Assert.Throws<OverflowException>(() =>
            new Average(79228162514264337593543950335m, 1).After(change with { Before = null, After = new(0, 0, 0.1m) }, n => n.Exact));
        Assert.Equal(1, (change with { Before = null }).Sum(n => n.Small));
    }

    internal enum Color
    {
        None,
        Blue,
    }

    [Flags]
    internal enum Rights
    {
        None = 0,
        Read = 1,
        Write = 2,
    }

    [JsonConverter(typeof(JsonStringEnumConverter))]
    internal enum Name
    {
        None,
        Red,
    }

    internal sealed record Number(int Small, long Large, decimal Exact);

    internal sealed record Value(
        decimal Amount = 0, int Count = 0, BigInteger Big = default, Color Color = default, Name Named = default, Rights Rights = default,
            DateTimeOffset At = default, DateTime Utc = default,
        bool IsLocal = false);

    internal sealed record Thing(decimal Amount, BigInteger Big, DateTimeOffset At, DateTime Utc, DateTime Day) : IEntity<Thing, Value>
    {
        public static Thing? Apply(Thing? state, in Record<Value> record)
        {
            var value = record.Value;
            return new(
                value.Amount, value.Big, value.At, value.IsLocal
                    ? DateTime.SpecifyKind(value.Utc, DateTimeKind.Local)
                    : value.Utc, value.At.Date);
        }
    }

    internal sealed record Bigs(BigInteger Sum) : IView<Bigs, Thing>
    {
        public static IEnumerable<string> KeysOf(string key, Thing source) => ["all"];

        public static Bigs? Apply(Bigs? state, in Change<Thing> change) => new((state?.Sum ?? 0) + change.Sum(thing => thing.Big));
    }

    internal sealed record Amounts(decimal Sum, Average Mean) : IView<Amounts, Thing>
    {
        public static IEnumerable<string> KeysOf(string key, Thing source) => ["all"];

        public static Amounts? Apply(Amounts? state, in Change<Thing> change) => change.After?.Amount > 1e20m
            ? new((state?.Sum ?? 0) + change.Sum(thing => thing.Amount), state!.Mean)
            : new((state?.Sum ?? 0) + change.Sum(thing => thing.Amount), (state?.Mean ?? default).After(change, thing => thing.Amount));
    }
}
