using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// How long brokers take to answer, from the statistics that librdkafka gives now and then: meter <c>ActorStreams</c>, as that of the
/// silo. Only of the producer and the admin client: a fetch of a consumer waits at the broker on purpose.
/// </summary>
internal sealed class BrokerRoundTrips : IDisposable
{
    private const double MicrosecondsPerSecond = 1e6;

    private readonly Meter _meter = new("ActorStreams");
    private readonly ConcurrentDictionary<(string Client, string Broker), double> _seconds = new();

    public BrokerRoundTrips() => _meter.CreateObservableGauge(
        "actorstreams.kafka.broker.rtt", Measure, "s", "Round trip of requests to a broker: the 99th percentile of the last "
            + "statistics in which there was any, of the slower client.");

    /// <summary>Takes the statistics of a client. On the client's own thread, so that it must not throw.</summary>
    public void Take(string client, string statistics)
    {
        try
        {
            using var json = JsonDocument.Parse(statistics);
            foreach (var broker in json.RootElement.GetProperty("brokers").EnumerateObject().Select(entry => entry.Value))
            {
                var roundTrips = broker.GetProperty("rtt");
                // Those without a number are the addresses to begin with, and groups' coordinators: no brokers by themselves.
                var isBroker = broker.GetProperty("nodeid").GetInt32() >= 0 && broker.GetProperty("nodename").GetString() is not null;
                if (isBroker && roundTrips.GetProperty("cnt").GetInt64() > 0)
                    _seconds[(client, broker.GetProperty("nodename").GetString()!)] = roundTrips.GetProperty("p99")
                        .GetInt64() / MicrosecondsPerSecond;
            }
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // Statistics of another form: nothing is reported.
        }
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<double>> Measure() => _seconds.GroupBy(entry => entry.Key.Broker, entry => entry.Value).Select(broker =>
    {
        var colon = broker.Key.LastIndexOf(':');
        var (address, port) = colon < 0 ? (broker.Key, "") : (broker.Key[..colon], broker.Key[(colon + 1)..]);
        return new Measurement<double>(
            broker.Max(), new KeyValuePair<string, object?>(
                "server.address", address), new KeyValuePair<string, object?>("server.port", port));
    });
}
