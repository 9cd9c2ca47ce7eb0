using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using TopicPartition = ActorStreams.Log.TopicPartition;

namespace ActorStreams.Kafka.Reading;

/// <summary>
/// Commits the progress of readers to consumer groups of their names at an interval, so that Kafka's own tools show their lag. Nothing
/// reads it back.
/// </summary>
internal sealed class GroupCommits : IAsyncDisposable
{
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(3);

    private readonly RenewedClient<IAdminClient> _admin;
    private readonly ILogger _logger;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<string> _troubled = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Task _loop;
    private Dictionary<string, Dictionary<TopicPartition, long>> _reported = new(StringComparer.Ordinal);

    public GroupCommits(RenewedClient<IAdminClient> admin, KafkaOptions options, ILogger logger, TimeProvider time)
    {
        (_admin, _logger, _timeout) = (admin, logger, TimeSpan.FromSeconds(options.RequestTimeoutSeconds));
        _loop = LoopAsync(new(TimeSpan.FromSeconds(options.GroupCommitSeconds), time));
    }

    public void Report(string group, TopicPartition partition, long nextOffset)
    {
        lock (_gate)
        {
            if (!_reported.TryGetValue(group, out var offsets))
                _reported.Add(group, offsets = []);
            offsets[partition] = nextOffset;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await CommitAsync(LastWait).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task LoopAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
                    await CommitAsync(_timeout).WaitAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The caller that stops it makes the last commit.
            }
        }
    }

    private async Task CommitAsync(TimeSpan timeout)
    {
        Dictionary<string, Dictionary<TopicPartition, long>> reported;
        lock (_gate)
            (reported, _reported) = (_reported, new(StringComparer.Ordinal));
        foreach (var (group, offsets) in reported)
        {
            try
            {
                var committed = offsets.Select(o => new TopicPartitionOffset(o.Key.Topic, o.Key.Partition, o.Value)).ToList();
                await _admin
                    .CallAsync(client => client.AlterConsumerGroupOffsetsAsync([new(group, committed)], new() { RequestTimeout = timeout }))
                    .ConfigureAwait(false);
                _troubled.Remove(group);
            }
            catch (KafkaException error)
            {
                if (_troubled.Add(group))
                    _logger.ProgressNotCommitted(group, $"{error.Error.Code}: {error.Error.Reason}");
            }
        }
    }
}
