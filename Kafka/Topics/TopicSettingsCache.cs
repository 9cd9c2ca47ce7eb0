using System.Collections.Concurrent;
using ActorStreams.Kafka.Clients;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Topics;

/// <summary>
/// The settings of topics, read once and again now and then. A failure to read them is logged once a topic, and tried again.
/// </summary>
internal sealed class TopicSettingsCache(RenewedClient<IAdminClient> admin, KafkaOptions options, ILogger logger, TimeProvider time)
{
    private const int MostSeconds = 5;

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(Math.Min(options.RequestTimeoutSeconds, MostSeconds));
    private readonly ConcurrentDictionary<string, Reading> _readings = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _told = new(StringComparer.Ordinal);
    private volatile bool _areHidden = !options.ChecksTopicSettings;

    /// <summary>The settings as they were last read; old ones are read again meanwhile. False when they were never read.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="settings">Null when they cannot be read.</param>
    public bool TryGet(string topic, out TopicSettings? settings)
    {
        settings = null;
        if (_areHidden)
            return true;
        if (!_readings.TryGetValue(topic, out var reading))
            return false;
        var isDone = reading.Task.IsCompleted;
        if (isDone && IsOld(reading))
            Begin(topic, reading);
        if ((isDone ? reading : reading.Before) is not { } last)
            return false;
        settings = last.Task.Result.Settings;
        return true;
    }

    /// <summary>The settings, which may be some seconds old; null when they cannot be read.</summary>
    public async Task<TopicSettings?> OfAsync(string topic, CancellationToken cancellationToken)
    {
        if (_areHidden)
            return null;
        if (!_readings.TryGetValue(topic, out var reading) || (reading.Task.IsCompleted && IsOld(reading)))
            reading = Begin(topic, reading);
        return (await reading.Task.WaitAsync(cancellationToken).ConfigureAwait(false)).Settings;
    }

    /// <summary>
    /// The settings as they are now, tried for as long as a question to the brokers may last; null when they cannot be read.
    /// </summary>
    public async Task<TopicSettings?> ReadAsync(string topic, CancellationToken cancellationToken)
    {
        for (var since = time.GetTimestamp(); !_areHidden;)
        {
            var (found, cause) = await Begin(topic, _readings.GetValueOrDefault(topic))
                .Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (found is not null || cause is null || cause.IsForbidden())
                return found;
            if (time.GetElapsedTime(since).TotalSeconds >= options.RequestTimeoutSeconds)
            {
                Tell(topic, cause);
                return null;
            }

            await Task.Delay(Retry, time, cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    /// <summary>The settings are read anew at the next use: a topic is another now, or brokers refused what its settings allowed.</summary>
    public void Forget(string topic) => _readings.TryRemove(topic, out _);

    private bool IsOld(Reading reading) => time.GetElapsedTime(reading.At).TotalSeconds >= options.TopicCacheSeconds;

    /// <summary>Begins to read, unless another caller has begun since the reading that this caller knows.</summary>
    private Reading Begin(string topic, Reading? known)
    {
        var reading = new Reading(
            time.GetTimestamp(), known is { Task.IsCompleted: true } ? known : known?.Before, () => DescribeAsync(topic));
        var current = known is null ? _readings.GetOrAdd(topic, reading)
            : _readings.TryUpdate(topic, reading, known) ? reading
            : _readings.GetOrAdd(topic, reading);
        _ = current.Task; // begins it
        if (current == reading && known is not null)
            known.Before = null;
        return current;
    }

    private async Task<(TopicSettings? Settings, Error? Cause)> DescribeAsync(string topic)
    {
        try
        {
            var asked = new ConfigResource { Type = ResourceType.Topic, Name = topic };
            var found = await admin
                .CallAsync(client => client.DescribeConfigsAsync([asked], new() { RequestTimeout = _timeout })).ConfigureAwait(false);
            _told.TryRemove(topic, out _);
            return (TopicSettings.Of(found[0].Entries), null);
        }
        catch (KafkaException error)
        {
            var cause = error is DescribeConfigsException { Results: [var result, ..] } ? result.Error : error.Error;
            if (cause.IsUnsupported() || cause.IsForbidden())
                Tell(topic, cause);
            _areHidden |= cause.IsUnsupported();
            return (null, cause);
        }
        catch (ObjectDisposedException)
        {
            return (null, null);
        }
    }

    private void Tell(string topic, Error cause)
    {
        if (_told.TryAdd(topic, true))
            logger.SettingsNotSeen(topic, $"{cause.Code}: {cause.Reason.TrimEnd('.')}");
    }

    /// <summary>One attempt to read a topic's settings, and the last one that had finished when it began.</summary>
    private sealed class Reading(long at, Reading? before, Func<Task<(TopicSettings? Settings, Error? Cause)>> read)
    {
        private readonly Lazy<Task<(TopicSettings? Settings, Error? Cause)>> _task = new(read);

        public long At => at;

        public Reading? Before { get; set; } = before;

        public Task<(TopicSettings? Settings, Error? Cause)> Task => _task.Value;
    }
}
