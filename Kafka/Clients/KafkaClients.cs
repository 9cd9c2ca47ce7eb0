using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Clients;

/// <summary>Creates the clients, and logs what they report: a lasting failure once a minute, not once an attempt.</summary>
internal sealed class KafkaClients(ClientSettings settings, BrokerRoundTrips roundTrips, ILogger logger, TimeProvider time)
{
    private const int QuietSeconds = 60;
    private const int MaxTroubles = 1_000;

    private readonly ConcurrentDictionary<string, long> _told = new(StringComparer.Ordinal);

    /// <summary>Why connections failed lately.</summary>
    public BrokerTroubles Troubles { get; } = new(settings.Hide, time);

    /// <summary>The bytes of a batch at most, of a producer that is not asked for smaller ones.</summary>
    public int BatchBytes => settings.BatchBytes;

    // The handlers do not look at the client that they are given: it may speak before it is fully made, and what is thrown on its
    // own threads ends the process.
    public IConsumer<byte[], byte[]> Consumer(string name) => new ConsumerBuilder<byte[], byte[]>(settings.Consumer)
        .SetLogHandler((_, message) => Told(name, message))
        .SetErrorHandler((_, error) => Told(name, error))
        .Build();

    /// <summary>A producer.</summary>
    /// <param name="name">What it is called in the log.</param>
    /// <param name="batchBytes">The bytes of a batch at most; a larger record is sent alone.</param>
    /// <param name="fatal">Called when the producer can do nothing more.</param>
    public IProducer<byte[], byte[]> Producer(string name, int batchBytes, Action<Error> fatal)
    {
        var own = new Dictionary<string, string>(settings.Producer);
        if (batchBytes < settings.BatchBytes)
            own["batch.size"] = batchBytes.ToString(CultureInfo.InvariantCulture);
        return new ProducerBuilder<byte[], byte[]>(own)
            .SetLogHandler((_, message) => Told(name, message))
            .SetErrorHandler((_, error) =>
            {
                Told(name, error);
                if (error.IsFatal)
                    fatal(error);
            })
            .SetStatisticsHandler((_, statistics) => roundTrips.Take(name, statistics))
            .Build();
    }

    public IAdminClient Admin() => new AdminClientBuilder(settings.Admin)
        .SetLogHandler((_, message) => Told("admin", message))
        .SetErrorHandler((_, error) => Told("admin", error))
        .SetStatisticsHandler((_, statistics) => roundTrips.Take("admin", statistics))
        .Build();

    private void Told(string client, Error error)
    {
        Troubles.Note(error);
        if (IsNew(error.Code.ToString()))
            logger.ClientTrouble(client, settings.Hide($"{error.Code}: {error.Reason}"), QuietSeconds);
    }

    private void Told(string client, LogMessage message)
    {
        // Levels are those of syslog. Losing a broker comes as an error too, and once for all clients is enough.
        if (message.Level <= SyslogLevel.Warning && message.Facility is not ("FAIL" or "ERROR") && IsNew(message.Facility))
            logger.ClientTrouble(client, settings.Hide($"{message.Facility}: {message.Message}"), QuietSeconds);
        else if (logger.IsEnabled(LogLevel.Debug))
            logger.ClientDetail(client, message.Facility, settings.Hide(message.Message));
    }

    private bool IsNew(string trouble)
    {
        var now = time.GetTimestamp();
        if (_told.TryGetValue(trouble, out var last) && time.GetElapsedTime(last, now).TotalSeconds < QuietSeconds)
            return false;
        if (_told.Count > MaxTroubles)
            _told.Clear();
        _told[trouble] = now;
        return true;
    }
}
