using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// Reads the files that settings name at an interval, and gives clients what has changed. Files that cannot be used, as in the middle of
/// a replacement, leave the settings as they were until the files change again.
/// </summary>
internal sealed class SettingsWatch : IAsyncDisposable
{
    private const int EverySeconds = 2;

    private readonly KafkaClients _clients;
    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;
    private string _digest;

    /// <param name="clients">What is given new settings.</param>
    /// <param name="options">The settings, with the names of the files.</param>
    /// <param name="digest">What the files held before the settings in use were read.</param>
    /// <param name="logger">Where a change is reported.</param>
    /// <param name="time">The clock.</param>
    public SettingsWatch(KafkaClients clients, KafkaOptions options, string digest, ILogger logger, TimeProvider time)
    {
        (_clients, _options, _digest, _logger) = (clients, options, digest, logger);
        _loop = LoopAsync(new(TimeSpan.FromSeconds(EverySeconds), time));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task LoopAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
                    Look();
            }
            catch (OperationCanceledException)
            {
                // The log is closed.
            }
        }
    }

    private void Look()
    {
        // Before the files are read as settings: what changes in between is found the next time.
        var digest = SettingFiles.Digest(_options);
        if (digest == _digest)
            return;
        _digest = digest;
        try
        {
            _clients.Renew(ClientSettings.Of(_options, _clients.Settings));
            _logger.SettingFilesChanged();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or Confluent.Kafka.KafkaException)
        {
            _logger.SettingFilesNotUsed(_clients.Settings.Hide(error.Message));
        }
    }
}
