using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Reading;

/// <summary>
/// The consumers, by number: 0 for the tail, 1 for replay, the others for further readers of one partition. Each is made when it is
/// needed, and ends when it is not.
/// </summary>
internal sealed class ConsumerLoops(KafkaClients clients, ILogger logger, TimeProvider time, int count)
{
    private readonly ConsumerLoop?[] _loops = new ConsumerLoop?[count];
    private readonly Lock _gate = new();
    private bool _isEnded;

    /// <summary>How many consumers there are now.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
                return _loops.Count(loop => loop is { HasEnded: false });
        }
    }

    public ConsumerLoop Get(int slot)
    {
        lock (_gate)
        {
            KafkaFaults.ThrowIfClosed(_isEnded);
            if (_loops[slot] is not { HasEnded: false } loop)
                _loops[slot] = loop = new(slot switch { 0 => "tail", 1 => "replay", _ => "extra" }, clients, logger, time);
            return loop;
        }
    }

    public async Task EndAsync()
    {
        List<Task> ends;
        lock (_gate)
        {
            _isEnded = true;
            ends = [.. _loops.OfType<ConsumerLoop>().Select(loop => loop.EndAsync())];
        }

        await Task.WhenAll(ends).ConfigureAwait(false);
    }
}
