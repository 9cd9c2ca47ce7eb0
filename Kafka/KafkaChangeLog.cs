using ActorStreams.Kafka.Appending;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Reading;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TopicPartition = ActorStreams.Log.TopicPartition;

namespace ActorStreams.Kafka;

/// <summary>The change log on Kafka, for any number of processes at once.</summary>
/// <remarks>
/// A reader waits for brokers that cannot be reached. An append that they do not take fails after
/// <see cref="KafkaOptions.AppendTimeoutSeconds"/>, and all that are
/// under way on the same producer fail with it; so a caller that has several appends under way must look at their outcome before it
/// appends more.
/// </remarks>
public sealed class KafkaChangeLog : IChangeLog, IAsyncDisposable
{
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(3);

    /// <summary>How long brokers may take for what they received from a producer that is gone, and that takes to go.</summary>
    private static readonly TimeSpan LastSent = TimeSpan.FromSeconds(10);

    private readonly BrokerRoundTrips _roundTrips = new();
    private readonly RenewedClient<IAdminClient> _admin;
    private readonly TopicDirectory _topics;
    private readonly TopicSettingsCache _settings;
    private readonly TopicChecks _checks;
    private readonly OwnTopics _own;
    private readonly TopicDeletions _deletions;
    private readonly OffsetQueries _offsets;
    private readonly Lazy<OffsetQueries> _written;
    private readonly KafkaReaders _readers;
    private readonly Appends _appends;
    private readonly GroupCommits _commits;
    private readonly SettingsWatch _watch;
    private readonly KafkaOptions _options;
    private readonly TimeProvider _time;

    private KafkaChangeLog(KafkaOptions options, string filesDigest, ClientSettings settings, ILogger logger, TimeProvider time)
    {
        (_options, _time) = (options, time);
        var clients = new KafkaClients(settings, _roundTrips, logger, time);
        _admin = new(clients, clients.Admin);
        _topics = new(_admin, options, clients.Troubles, time);
        _settings = new(_admin, options, logger, time);
        _checks = new(_settings, logger);
        _own = new(_admin, _topics, _checks, options, settings, time);
        _deletions = new(_admin, clients.Troubles, options);
        var timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);
        _offsets = new(clients, _topics, timeout, time);
        _written = new(() => new(clients, _topics, timeout, time, seesUndecided: true));
        _readers = new(clients, _topics, _offsets, options, logger, time);
        _appends = new(
            clients,
            _topics,
            _settings,
            options,
            logger,
            time,
            (topic, partition, offset) => _readers.RaiseEnd(topic, partition, offset + 1));
        _commits = new(_admin, options, logger, time);
        _watch = new(clients, options, filesDigest, logger, time);
        MaxBatchBytes = settings.MaxBatchBytes;
    }

    /// <inheritdoc/>
    public string MessagingSystem => "kafka";

    /// <inheritdoc/>
    /// <remarks>
    /// An append begins to be sent within <see cref="KafkaOptions.AppendTimeoutSeconds"/> or not at all, and its producer is given up as
    /// long after. What a producer that is gone has sent may still lie in a broker's queue.
    /// </remarks>
    public TimeSpan? LongestAppend => TimeSpan.FromSeconds(2 * _options.AppendTimeoutSeconds) + LastSent;

    /// <summary>How many consumers there are now, for tests.</summary>
    internal int Consumers => _readers.Consumers;

    private int MaxBatchBytes { get; }

    /// <summary>Checks the options and makes the log. It does not wait for brokers: they are contacted when they are needed.</summary>
    /// <exception cref="ArgumentException">Options or settings are wrong; the message names all of them.</exception>
    public static KafkaChangeLog Open(KafkaOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null) =>
        new(
            options,
            SettingFiles.Digest(options),
            ClientSettings.Of(options),
            loggers?.CreateLogger(typeof(KafkaChangeLog).FullName!) ?? NullLogger.Instance,
            time ?? TimeProvider.System);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        _topics.ListAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        (await _topics.KnownAsync(topic, cancellationToken).ConfigureAwait(false))?.Describe(topic);

    /// <inheritdoc/>
    /// <exception cref="LogUnavailableException">The topic does not exist, and the brokers do not let it be created here.</exception>
    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default)
    {
        TopicName.Check(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        return _own.CreateAsync(topic, partitions, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask CheckSourceAsync(string topic, CancellationToken cancellationToken = default) =>
        _checks.CheckSourceAsync(topic, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default)
    {
        if (await _topics.KnownAsync(topic, cancellationToken).ConfigureAwait(false) is null)
            throw KafkaFaults.UnknownTopic(topic);
        if (!_settings.TryGet(topic, out var found))
            found = await _settings.OfAsync(topic, cancellationToken).ConfigureAwait(false);
        return found is not null
            ? found.Limits(_options.MaxRecordBytes, MaxBatchBytes)
            : new() { MaxRecordBytes = _options.MaxRecordBytes, MaxBatchBytes = MaxBatchBytes, MinTimestamp = 1 };
    }

    /// <inheritdoc/>
    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) =>
        _own.DeleteAsync(topic, cancellationToken);

    /// <inheritdoc/>
    public ValueTask CheckDeletableAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken = default) =>
        _options.ChecksTopicSettings && topics.Count > 0 ? _deletions.CheckAsync(topics, cancellationToken) : default;

    /// <inheritdoc/>
    public IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        CancellationToken cancellationToken = default) =>
        _readers.ReadAsync(partition, fromOffset, limits, reached, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A record is larger than <see cref="KafkaOptions.MaxRecordBytes"/> or than its topic takes, or its timestamp lies outside of
    /// what its topic takes.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The log has been disposed.</exception>
    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default) =>
        new(_appends.AppendAsync(topic, records, isEngine: false, cancellationToken));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A record is larger than <see cref="KafkaOptions.MaxRecordBytes"/> or than its topic
    /// takes.</exception>
    /// <exception cref="ObjectDisposedException">The log has been disposed.</exception>
    public ValueTask<IReadOnlyList<Position>> AppendOwnAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default) =>
        new(_appends.AppendAsync(topic, records, isEngine: true, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default)
    {
        var partitions = PartitionsOf(topic, await _topics.CheckedAsync(topic, cancellationToken).ConfigureAwait(false));
        var ranges = await _offsets.RangesAsync(partitions).WaitAsync(cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < ranges.Length; i++)
            _readers.SetEnd(partitions[i], ranges[i].End);
        return ranges;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<long>> WrittenEndsAsync(string topic, CancellationToken cancellationToken = default)
    {
        var partitions = PartitionsOf(topic, await _topics.CheckedAsync(topic, cancellationToken).ConfigureAwait(false));
        return await _written.Value.EndsAsync(partitions).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public long? KnownEnd(TopicPartition partition) => _readers.KnownEnd(partition);

    /// <inheritdoc/>
    public HeldPosition? HeldAt(TopicPartition partition) => _readers.HeldAt(partition);

    /// <inheritdoc/>
    public void ReportProgress(string reader, TopicPartition partition, long nextOffset) => _commits.Report(reader, partition, nextOffset);

    /// <inheritdoc/>
    public async ValueTask<long> OffsetAtAsync(
        TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        var partitions = await _topics.CheckedAsync(partition.Topic, cancellationToken).ConfigureAwait(false);
        if ((uint)partition.Partition >= (uint)partitions)
            throw UnknownTopicException.Partition(partition, partitions);

        // The end first: what is appended in between may be late, and is then neither before the end nor found. And Kafka takes
        // negative times for other questions.
        var range = (await _offsets.RangesAsync([partition]).WaitAsync(cancellationToken).ConfigureAwait(false))[0];
        var later = instant.ToUnixTimeMilliseconds() + 1;
        if (later <= 0)
            return range.Start;
        return await _offsets.FirstStampedAsync(partition, later, range).WaitAsync(cancellationToken).ConfigureAwait(false) ?? range.End;
    }

    /// <summary>
    /// Waits shortly for appends that are under way, commits progress, and closes all clients. Live readers end with
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync().ConfigureAwait(false);
        await _appends.DisposeAsync().ConfigureAwait(false);
        await _readers.DisposeAsync().ConfigureAwait(false);
        await _commits.DisposeAsync().ConfigureAwait(false);
        await _offsets.DisposeAsync().ConfigureAwait(false);
        if (_written.IsValueCreated)
            await _written.Value.DisposeAsync().ConfigureAwait(false);
        await _admin.CloseAsync(LastWait, _time).ConfigureAwait(false);
        _roundTrips.Dispose();
    }

    private static TopicPartition[] PartitionsOf(string topic, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new TopicPartition(topic, i))];
}
