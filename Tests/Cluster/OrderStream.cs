using System.Globalization;
using System.Text;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;
using Confluent.Kafka;
using Partitioner = ActorStreams.Log.Partitioner;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// A foreign producer of orders: places, moves and cancels them without end, through an idempotent client that gives up on nothing. What it sent is kept, so that a batch can say what
/// must have become of it.
/// </summary>
internal sealed class OrderStream : IDisposable
{
    internal const string Topic = "shop.orders";
    private const int Orders = 20_000;
    private const int Customers = 2_000;
    private const int PerTick = 50;

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly InMemoryChangeLog _sent = new();
    private readonly Random _random;
    private readonly int _partitions;
    private long _failed;

    internal OrderStream(string bootstrapServers, int partitions, int seed)
    {
        (_random, _partitions) = (new(seed), partitions);
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers, EnableIdempotence = true, MessageTimeoutMs = 0, LingerMs = 5, CompressionType = CompressionType.Lz4, QueueBufferingMaxMessages = 2_000_000,
        }).SetErrorHandler((_, _) => { }).SetLogHandler((_, _) => { }).Build();
    }

    internal long Sent { get; private set; }

    /// <summary>Sends at a rate until it is told to stop, but so many records at least; then waits until all are in Kafka.</summary>
    internal async Task RunAsync(double recordsPerSecond, long least, CancellationToken stop)
    {
        await _sent.CreateTopicAsync(Topic, _partitions, CancellationToken.None);
        var begin = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!stop.IsCancellationRequested || Sent < least)
        {
            var due = stop.IsCancellationRequested ? long.MaxValue : (long)(System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds * recordsPerSecond);
            for (var i = 0; i < PerTick && Sent < due; i++)
                await SendAsync(NextOrder());
            if (Sent >= due)
                await Task.Delay(5, CancellationToken.None);
        }

        Assert.Equal(0, _producer.Flush(TimeSpan.FromSeconds(60)));
        Assert.Equal(0, Interlocked.Read(ref _failed));
    }

    /// <summary>What a batch folds of all that was sent.</summary>
    internal Task<BatchResult> BatchAsync()
    {
        var topology = new TopologyBuilder();
        ShopDefinitions.AddTo(topology);
        return new BatchRunner(topology.Build(), _sent).RunAsync();
    }

    public void Dispose() => _producer.Dispose();

    private (string Key, string? Value) NextOrder()
    {
        var (key, customer) = ($"o{_random.Next(Orders)}", $"c{_random.Next(Customers)}");
        return (key, _random.Next(10) switch
        {
            0 => """{"type":"cancelled"}""",
            1 => null,
            < 5 => $$"""{"type":"moved","to":"{{customer}}"}""",
            _ => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"placed","customer":"{{customer}}","total":{{_random.Next(1, 100_000) / 100m}}}"""),
        });
    }

    private async Task SendAsync((string Key, string? Value) order)
    {
        var (key, value) = (Encoding.UTF8.GetBytes(order.Key), order.Value is null ? null : Encoding.UTF8.GetBytes(order.Value));
        var (partition, time) = (Partitioner.PartitionOf(key, _partitions), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        await _sent.AppendAsync(Topic, [new() { Partition = partition, Timestamp = time, Key = key, Value = value is null ? default(ReadOnlyMemory<byte>?) : value }], CancellationToken.None);
        _producer.Produce(new Confluent.Kafka.TopicPartition(Topic, partition), new() { Key = key, Value = value!, Timestamp = new(time, TimestampType.CreateTime) }, report =>
        {
            if (report.Error.IsError)
                Interlocked.Increment(ref _failed);
        });
        Sent++;
    }
}
