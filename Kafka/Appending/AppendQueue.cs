using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Appending;

/// <summary>
/// Appends through one producer at a time. Appends go straight to it. One that must wait, since the producer's queue is full or a new
/// producer must be made, stands in a line, and all later ones behind it, so that they keep their order.
/// </summary>
internal sealed class AppendQueue : IAsyncDisposable
{
    private const int CheckEveryMilliseconds = 500;

    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(10);

    private readonly string _name;
    private readonly int _batchBytes;
    private readonly KafkaClients _clients;
    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Action<string, int, long> _onAppended;
    private readonly ITimer _watch;
    private readonly Lock _gate = new();
    private readonly Queue<AppendWork> _line = [];
    private ProducerLife? _life;
    private ProducerLife? _leaving;
    private bool _isDisposed;

    /// <summary>Makes the queue; its producer is made at the first append.</summary>
    public AppendQueue(
        string name,
        int batchBytes,
        KafkaClients clients,
        KafkaOptions options,
        ILogger logger,
        TimeProvider time,
        Action<string, int, long> onAppended)
    {
        (_name, _batchBytes, _clients, _options) = (name, batchBytes, clients, options);
        (_logger, _time, _onAppended) = (logger, time, onAppended);
        clients.Renewed += Renew;
        var every = TimeSpan.FromMilliseconds(CheckEveryMilliseconds);
        _watch = time.CreateTimer(_ => GiveUpSlow(), null, every, every);
    }

    /// <summary>Sends an append; its caller receives the outcome.</summary>
    public void Append(AppendWork work)
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                work.Fail(KafkaFaults.Closed());
                return;
            }

            if (IsLate(work) || (_line.Count == 0 && _life is not null && _life.TryProduce(work)))
                return;
            _line.Enqueue(work);
            if (_line.Count == 1)
                _ = ServeLineAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _clients.Renewed -= Renew;
        await _watch.DisposeAsync().ConfigureAwait(false);
        ProducerLife? life;
        lock (_gate)
        {
            _isDisposed = true;
            life = _life ?? _leaving;
        }

        await (life?.EndAsync(LastWait) ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async Task ServeLineAsync()
    {
        while (true)
        {
            AppendWork work;
            lock (_gate)
                work = _line.Peek();
            try
            {
                await ServeAsync(work).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                work.Fail(error);
            }

            lock (_gate)
            {
                _line.Dequeue();
                if (_line.Count == 0)
                    return;
            }
        }
    }

    private async Task ServeAsync(AppendWork work)
    {
        if (work.IsDone)
            return; // it failed with its producer
        if (work.IsGivenUp)
        {
            work.Finish();
            return;
        }

        for (ProducerLife? last = null; ;)
        {
            var life = work.Life ?? await LifeAsync().ConfigureAwait(false);
            if (work.Produced == 0 && IsLate(work))
                return;
            if (life != last)
                (last, work.StartedAt) = (life, _time.GetTimestamp());
            var deliveries = life.Deliveries;
            if (life.TryProduce(work))
                return;
            await life.RoomAsync(deliveries).ConfigureAwait(false);
        }
    }

    /// <summary>Fails an append whose turn did not come in time: it must not land long after it was requested.</summary>
    private bool IsLate(AppendWork work)
    {
        if (_time.GetElapsedTime(work.ArrivedAt).TotalSeconds <= _options.AppendTimeoutSeconds)
            return false;
        work.Fail(_clients.Troubles.Unavailable(TimeIsUp(_options), new(Confluent.Kafka.ErrorCode.Local_MsgTimedOut)));
        return true;
    }

    private async Task<ProducerLife> LifeAsync()
    {
        while (true)
        {
            ProducerLife? leaving;
            lock (_gate)
            {
                KafkaFaults.ThrowIfClosed(_isDisposed);
                if (_life is not null)
                    return _life;
                leaving = _leaving is { Gone.IsCompleted: false } ? _leaving : null;
                if (leaving is null)
                    return _life = new(_clients, _name, _batchBytes, OnGivenUp, _onAppended);
            }

            await leaving.Gone.ConfigureAwait(false);
        }
    }

    private void OnGivenUp(ProducerLife life, string reason)
    {
        lock (_gate)
        {
            if (_life == life)
                (_life, _leaving) = (null, life);
            else if (_life is null && _leaving == life)
                return; // it was to end
            if (_isDisposed)
                return;
        }

        _logger.ProducerGivenUp(_name, reason);
    }

    /// <summary>
    /// Gives the producer settings that have changed. Where it cannot take them it ends, and later appends wait for the next.
    /// </summary>
    private void Renew()
    {
        ProducerLife ending;
        lock (_gate)
        {
            if (_life is null || _life.TryRenew())
                return;
            (ending, _life, _leaving) = (_life, null, _life);
        }

        _ = ending.RetireAsync(LastWait, _time);
    }

    private void GiveUpSlow()
    {
        ProducerLife? life;
        lock (_gate)
            life = _life;
        if (life?.Oldest() is { } oldest && _time.GetElapsedTime(oldest).TotalSeconds > _options.AppendTimeoutSeconds)
            life.GiveUp(_clients.Troubles.Unavailable(TimeIsUp(_options), new(Confluent.Kafka.ErrorCode.Local_MsgTimedOut)));
    }

    /// <summary>What an append fails with that brokers did not take in time.</summary>
    public static string TimeIsUp(KafkaOptions options) =>
        $"The brokers did not take an append within {options.AppendTimeoutSeconds} s "
            + $"({KafkaOptions.Section}:{nameof(KafkaOptions.AppendTimeoutSeconds)})";
}
