using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Clients;

/// <summary>Creates the clients, and logs what they report: a lasting failure once a minute, not once an attempt.</summary>
internal sealed class KafkaClients
{
    private const int QuietSeconds = 60;
    private const int MaxTroubles = 1_000;

    private readonly ConcurrentDictionary<string, long> _told = new(StringComparer.Ordinal);
    private readonly BrokerRoundTrips _roundTrips;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private volatile ClientSettings _settings;

    public KafkaClients(ClientSettings settings, BrokerRoundTrips roundTrips, ILogger logger, TimeProvider time)
    {
        (_settings, _roundTrips, _logger, _time) = (settings, roundTrips, logger, time);
        Troubles = new(Hide, time);
    }

    /// <summary>The settings have changed. Raised on the thread that found it out.</summary>
    public event Action? Renewed;

    /// <summary>The settings as they are now; a client is made with those that its maker keeps, to notice a change.</summary>
    public ClientSettings Settings => _settings;

    /// <summary>Why connections failed lately.</summary>
    public BrokerTroubles Troubles { get; }

    /// <summary>The bytes of a batch at most, of a producer that is not asked for smaller ones.</summary>
    public int BatchBytes => _settings.BatchBytes;

    /// <summary>Files that settings name have changed.</summary>
    public void Renew(ClientSettings settings)
    {
        _settings = settings;
        Renewed?.Invoke();
    }

    // The handlers do not look at the client that they are given: it may speak before it is fully made, and what is thrown on its
    // own threads ends the process.
    /// <summary>A consumer.</summary>
    /// <param name="name">What it is called in the log.</param>
    /// <param name="settings">What it is made with.</param>
    /// <param name="seesUndecided">Whether its ends include records of transactions that are still open.</param>
    public IConsumer<byte[], byte[]> Consumer(string name, ClientSettings settings, bool seesUndecided = false)
    {
        var own = new Dictionary<string, string>(settings.Consumer);
        if (seesUndecided)
            own["isolation.level"] = "read_uncommitted";
        return new ConsumerBuilder<byte[], byte[]>(own)
            .SetLogHandler((_, message) => Told(name, message))
            .SetErrorHandler((_, error) => Told(name, error))
            .Build();
    }

    /// <summary>A consumer whose log is read.</summary>
    /// <param name="name">What it is called in the log.</param>
    /// <param name="settings">What it is made with.</param>
    /// <param name="debug">What it is to log beside what the user wants to have logged.</param>
    /// <param name="take">Receives each line, on the client's own threads.</param>
    public IConsumer<byte[], byte[]> Consumer(string name, ClientSettings settings, string debug, Action<LogMessage> take)
    {
        var own = new Dictionary<string, string>(settings.Consumer);
        var isForUser = own.TryGetValue("debug", out var wanted);
        own["debug"] = isForUser ? $"{wanted},{debug}" : debug;
        return new ConsumerBuilder<byte[], byte[]>(own)
            .SetLogHandler((_, message) =>
            {
                take(message);
                if (isForUser || message.Level < SyslogLevel.Debug)
                    Told(name, message);
            })
            .SetErrorHandler((_, error) => Told(name, error))
            .Build();
    }

    /// <summary>A producer.</summary>
    /// <param name="name">What it is called in the log.</param>
    /// <param name="batchBytes">The bytes of a batch at most; a larger record is sent alone.</param>
    /// <param name="settings">What it is made with.</param>
    /// <param name="fatal">Called when the producer can do nothing more.</param>
    public IProducer<byte[], byte[]> Producer(string name, int batchBytes, ClientSettings settings, Action<Error> fatal)
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
            .SetStatisticsHandler((_, statistics) => _roundTrips.Take(name, statistics))
            .Build();
    }

    public IAdminClient Admin(ClientSettings settings) => new AdminClientBuilder(settings.Admin)
        .SetLogHandler((_, message) => Told("admin", message))
        .SetErrorHandler((_, error) => Told("admin", error))
        .SetStatisticsHandler((_, statistics) => _roundTrips.Take("admin", statistics))
        .Build();

    private void Told(string client, Error error)
    {
        Troubles.Note(error);
        if (IsNew(error.Code.ToString()))
            _logger.ClientTrouble(client, Hide($"{error.Code}: {error.Reason}"), QuietSeconds);
    }

    private void Told(string client, LogMessage message)
    {
        // Levels are those of syslog. Losing a broker comes as an error too, and once for all clients is enough.
        if (message.Level <= SyslogLevel.Warning && message.Facility is not ("FAIL" or "ERROR") && IsNew(message.Facility))
            _logger.ClientTrouble(client, Hide($"{message.Facility}: {message.Message}"), QuietSeconds);
        else if (_logger.IsEnabled(LogLevel.Debug))
            _logger.ClientDetail(client, message.Facility, Hide(message.Message));
    }

    private string Hide(string text) => _settings.Hide(text);

    private bool IsNew(string trouble)
    {
        var now = _time.GetTimestamp();
        if (_told.TryGetValue(trouble, out var last) && _time.GetElapsedTime(last, now).TotalSeconds < QuietSeconds)
            return false;
        if (_told.Count > MaxTroubles)
            _told.Clear();
        _told[trouble] = now;
        return true;
    }
}
