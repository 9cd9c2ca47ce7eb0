using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ActorStreams.MockKafka;

/// <summary>
/// The mock brokers, in this process: the real protocol on real loopback ports, kept in memory, with faults on demand. A test double:
/// topics are made by command, offsets by time are not known, and an empty fetch is answered only after the client's
/// <c>fetch.wait.max.ms</c>, also when records come meanwhile.
/// </summary>
internal sealed class MockCluster : IDisposable
{
    private const int ProducerType = 0;

    private readonly nint _cluster;
    private readonly PartitionBounds _bounds;

    public MockCluster(int brokers, long maxPartitionBytes)
    {
        var (conf, error) = (NativeMock.NewConf(), new byte[512]);
        if (NativeMock.SetConf(conf, "test.mock.num.brokers", brokers.ToString(CultureInfo.InvariantCulture), error, error.Length) != 0)
            throw new InvalidOperationException(Encoding.UTF8.GetString(error).TrimEnd('\0'));
        var client = NativeMock.NewClient(ProducerType, conf, error, error.Length);
        if (client == 0)
            throw new InvalidOperationException(Encoding.UTF8.GetString(error).TrimEnd('\0'));
        _cluster = NativeMock.ClusterOf(client);
        _bounds = new(maxPartitionBytes);
        BootstrapServers = Marshal.PtrToStringUTF8(NativeMock.Bootstraps(_cluster))!;
    }

    public string BootstrapServers { get; }

    /// <summary>Does what a line says; see <see cref="MockBrokers"/> for the lines.</summary>
    public void Do(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["topic", var topic, var partitions, var replication]:
                Check(NativeMock.CreateTopic(_cluster, topic, Number(partitions), Number(replication)));
                _bounds.Raise(Number(partitions));
                break;
            case ["delete-topic", var topic]:
                Check(NativeMock.DeleteTopic(_cluster, topic));
                break;
            case ["delete-records", var topic, var partition, var before]:
                Check(NativeMock.DeleteRecords(_cluster, topic, Number(partition), long.Parse(before, CultureInfo.InvariantCulture)));
                break;
            case ["leader", var topic, var partition, var broker]:
                Check(NativeMock.SetLeader(_cluster, topic, Number(partition), Number(broker)));
                break;
            case ["down", var broker]:
                Check(NativeMock.SetDown(_cluster, Number(broker)));
                break;
            case ["up", var broker]:
                Check(NativeMock.SetUp(_cluster, Number(broker)));
                break;
            case ["rtt", var broker, var milliseconds]:
                Check(NativeMock.SetRoundTrip(_cluster, Number(broker), Number(milliseconds)));
                break;
            case ["errors", var apiKey, .. var errors]:
                NativeMock.PushErrors(
                    _cluster, short.Parse(apiKey, CultureInfo.InvariantCulture), errors.Length, [.. errors.Select(Number)]);
                break;
            default:
                throw new InvalidOperationException($"'{line}' is not known.");
        }
    }

    /// <summary>The brokers themselves end with the process.</summary>
    public void Dispose() => _bounds.Dispose();

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static void Check(int error)
    {
        if (error != 0)
            throw new InvalidOperationException($"The mock cluster answered {(Confluent.Kafka.ErrorCode)error}.");
    }
}
