using System.Globalization;
using System.Text;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;
using Confluent.Kafka;
using Partitioner = ActorStreams.Log.Partitioner;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// A foreign producer of orders: places, moves and cancels them without end, through an idempotent client that gives up on nothing.
/// </summary>
internal sealed class OrderStream : IDisposable
{
    internal const string Topic = "shop.orders";
    private const int Orders = 20_000;
    private const int Customers = 2_000;
    private const int PerTick = 50;

    /// <summary>
    /// So that batches are not tiny: the mock answers one batch of a partition to a fetch, where a broker would answer many, and
    /// looks for it from the oldest on.
    /// </summary>
    private const int LingerMilliseconds = 100;

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly string _bootstrapServers;
    private readonly Random _random;
    private readonly int _partitions;
    private long _failed;

    internal OrderStream(string bootstrapServers, int partitions, int seed)
    {
        (_random, _partitions, _bootstrapServers) = (new(seed), partitions, bootstrapServers);
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers, EnableIdempotence = true, MessageTimeoutMs = 0, LingerMs = LingerMilliseconds,
            CompressionType = CompressionType.Lz4, QueueBufferingMaxMessages = 2_000_000,
        }).SetErrorHandler((_, _) => { }).SetLogHandler((_, _) => { }).Build();
    }

    internal long Sent { get; private set; }

    /// <summary>Sends at a rate until it is told to stop, but so many records at least; then waits until all are in Kafka.</summary>
    internal async Task RunAsync(double recordsPerSecond, long least, CancellationToken stop)
    {
        var begin = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!stop.IsCancellationRequested || Sent < least)
        {
            var due = stop.IsCancellationRequested
                ? long.MaxValue
                : (long)(System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds * recordsPerSecond);
            for (var i = 0; i < PerTick && Sent < due; i++)
                Send(NextOrder());
            if (Sent >= due)
                await Task.Delay(5, CancellationToken.None);
        }

        Assert.Equal(0, _producer.Flush(TimeSpan.FromSeconds(60)));
        Assert.Equal(0, Interlocked.Read(ref _failed));
    }

    /// <summary>
    /// What a batch folds of all that is in Kafka: each record that was sent, and for some of them once more what the mock
    /// doubled when an answer was lost.
    /// </summary>
    internal async Task<BatchResult> BatchAsync()
    {
        await using var log = FrameOrder.OpenLog(_bootstrapServers);
        var topology = new TopologyBuilder();
        ShopDefinitions.AddTo(topology);
        var result = await new BatchRunner(topology.Build(), log).RunAsync();
        var records = result.Cut.Offsets.Sum(partition => partition.Value);
        EndToEndTest.Print($"{records:N0} records are in the log, {records - Sent:N0} of them doubled by the mock.");
        Assert.True(records >= Sent, $"{records:N0} records are in the log, but {Sent:N0} were sent.");
        return result;
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
            _ =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $$"""{"type":"placed","customer":"{{customer}}","total":{{_random.Next(1, 100_000) / 100m}}}"""),
        });
    }

    private void Send((string Key, string? Value) order)
    {
        var (key, value) = (Encoding.UTF8.GetBytes(order.Key), order.Value is null ? null : Encoding.UTF8.GetBytes(order.Value));
        var (partition, time) = (Partitioner.PartitionOf(key, _partitions), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        _producer.Produce(new Confluent.Kafka.TopicPartition(Topic, partition), new()
        {
            Key = key, Value = value!, Timestamp = new(time, TimestampType.CreateTime),
        }, report =>
        {
            if (report.Error.IsError)
                Interlocked.Increment(ref _failed);
        });
        Sent++;
    }
}
