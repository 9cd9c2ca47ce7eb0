using System.Diagnostics;
using System.Text;
using System.Text.Json;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// Appends sales, corrections, tombstones and names of customers to silos that come and go, each once, and remembers what was
/// acknowledged.
/// </summary>
internal sealed class SalesFeed(Func<ActorStreamsClient> client, Random random) : IAsyncDisposable
{
    private const int SaleKeys = 40;
    private const int CustomerKeys = 8;
    private const int Regions = 4;
    private const int MaxPauseMilliseconds = 60;

    /// <summary>The source topics.</summary>
    internal static readonly string[] Topics = [Deployment.Sales, Deployment.OtherSales, Deployment.Customers];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(string Topic, int Partition), List<(string Key, string? Value)>> _acknowledged = [];
    private readonly CancellationTokenSource _end = new();
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private int _batches;

    /// <summary>How many records were acknowledged.</summary>
    internal int Records => _acknowledged.Values.Sum(partition => partition.Count);

    /// <summary>Makes the source topics, with some records, before there is a silo.</summary>
    internal async Task PrepareAsync(IChangeLog log, int batches)
    {
        foreach (var topic in Topics)
            await log.CreateTopicAsync(topic, Deployment.Partitions);
        for (var batch = 0; batch < batches; batch++)
        {
            var (topic, records) = Next();
            await log.AppendAsync(topic, [.. records.Select(record => new NewRecord
            {
                Partition = PartitionOf(record.Key), Timestamp = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
                Key = Encoding.UTF8.GetBytes(record.Key),
                Value = record.Value is null ? default(ReadOnlyMemory<byte>?) : Encoding.UTF8.GetBytes(record.Value),
            })]);
            Acknowledge(topic, records);
        }
    }

    /// <summary>A topic has nothing in it any more.</summary>
    internal void Forget(string topic)
    {
        foreach (var partition in _acknowledged.Keys.Where(partition => partition.Topic == topic).ToList())
            _acknowledged.Remove(partition);
    }

    internal void Begin()
    {
        _stop = new();
        _running = RunAsync(_stop.Token);
    }

    /// <summary>Ends when all that was sent is acknowledged: a silo has to run.</summary>
    internal async Task PauseAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>The log has what was acknowledged, in that order, and nothing else.</summary>
    internal async Task AssertKeptAsync(IChangeLog log)
    {
        foreach (var topic in Topics)
        {
            var ends = await log.OffsetsAsync(topic);
            for (var partition = 0; partition < ends.Count; partition++)
            {
                var found = new List<(string, string?)>();
                await foreach (var batch in log.ReadRangeAsync(new(topic, partition), 0, ends[partition].End, ReadLimits.Default))
                {
                    found.AddRange(batch.Records.Select(record => (
                        Encoding.UTF8.GetString(record.Key!.Value.Span),
                        record.Value is { } value ? Encoding.UTF8.GetString(value.Span) : null)));
                }

                Assert.Equal(_acknowledged.GetValueOrDefault((topic, partition)) ?? [], found);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _end.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var (topic, records) = Next();
            await AppendAsync(topic, records, $"batch-{_batches}");
            Acknowledge(topic, records);
            await Task.Delay(random.Next(MaxPauseMilliseconds), CancellationToken.None);
        }
    }

    private async Task AppendAsync(string topic, List<(string Key, string? Value)> records, string idempotencyKey)
    {
        var appended = records.ConvertAll(record => new AppendRecord
        {
            Key = record.Key, Value = record.Value is null ? null : JsonElement.Parse(record.Value),
        });
        for (var begin = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                await client().AppendOnceAsync(topic, appended, idempotencyKey, _end.Token);
                return;
            }
            catch (ActorStreamsException) when (Stopwatch.GetElapsedTime(begin) < Patience)
            {
                await Task.Delay(MaxPauseMilliseconds, _end.Token); // it starts or stops
            }
        }
    }

    private void Acknowledge(string topic, List<(string Key, string? Value)> records)
    {
        foreach (var record in records)
        {
            var partition = (topic, PartitionOf(record.Key));
            if (!_acknowledged.TryGetValue(partition, out var before))
                _acknowledged[partition] = before = [];
            before.Add(record);
        }
    }

    private (string Topic, List<(string Key, string? Value)> Records) Next()
    {
        _batches++;
        var topic = random.Next(10) switch { < 6 => Deployment.Sales, < 8 => Deployment.OtherSales, _ => Deployment.Customers };
        return (topic, [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => topic == Deployment.Customers ? NextName() : NextSale())]);
    }

    private (string Key, string? Value) NextName() => (
        $"c{random.Next(CustomerKeys)}", random.Next(6) == 0 ? null : $$"""{"name":"name {{random.Next(1_000)}}"}""");

    private (string Key, string? Value) NextSale() => ($"s{random.Next(SaleKeys)}", random.Next(8) switch
    {
        0 => null,
        < 4 => $$"""{"type":"corrected","by":{{random.Next(-20, 50)}}}""",
        _ => Sold($"c{random.Next(CustomerKeys)}", $"r{random.Next(Regions)}", random.Next(1, 200)),
    });

    internal static string Sold(string customer, string region, int amount) =>
        $$"""{"type":"sold","customer":"{{customer}}","region":"{{region}}","amount":{{amount}}}""";

    private static int PartitionOf(string key) => Partitioner.PartitionOf(key, Deployment.Partitions);
}

/// <summary>The embedded log of a silo that does not run, as its owner.</summary>
internal sealed class StoppedLog : IAsyncDisposable
{
    private readonly DataDirectory _directory;

    internal StoppedLog(string data)
    {
        _directory = DataDirectory.Open(data);
        Log = SqliteChangeLog.Open(new() { Path = _directory.FilePath("log.db") });
    }

    internal SqliteChangeLog Log { get; }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        _directory.Dispose();
    }
}

/// <summary>A copy of the embedded log of a silo that runs, but appends nothing now.</summary>
internal sealed class LogCopy : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    internal LogCopy(string data)
    {
        foreach (var file in new[] { "log.db", "log.db-wal" }.Where(file => File.Exists(Path.Combine(data, file))))
            File.Copy(Path.Combine(data, file), _directory.File(file));
        Log = SqliteChangeLog.Open(new() { Path = _directory.File("log.db") });
    }

    internal SqliteChangeLog Log { get; }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        _directory.Dispose();
    }
}
