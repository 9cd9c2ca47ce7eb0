using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>
/// An append under way. Its records land one after the other in each partition, at any moment, also after the append was reported failed
/// or its caller has crashed; or the rest of them never lands.
/// </summary>
internal sealed class AppendCall : SimCall
{
    private readonly Simulation _simulation;
    private readonly string _topic;
    private readonly TaskCompletionSource<IReadOnlyList<Position>> _end = new();
    private readonly SortedDictionary<int, Queue<(int Index, NewRecord Record)>> _waiting = [];
    private readonly Position[] _positions;
    private bool _isAbandoned;

    internal AppendCall(Simulation simulation, Silo silo, string topic, IReadOnlyList<NewRecord> records)
        : base(silo)
    {
        (_simulation, _topic, _positions) = (simulation, topic, new Position[records.Count]);
        for (var i = 0; i < records.Count; i++)
        {
            if (!_waiting.TryGetValue(records[i].Partition, out var queue))
                _waiting.Add(records[i].Partition, queue = []);
            queue.Enqueue((i, records[i]));
        }

        // The log acknowledges what it does not have yet.
        if (simulation.Lies(Sabotage.EarlyAcknowledgement) || IsLostLetter)
        {
            _isAbandoned = true;
            _end.SetResult(_positions);
        }
    }

    internal Task<IReadOnlyList<Position>> Task => _end.Task;

    internal override bool CanStep => true;

    private bool IsLostLetter => _simulation.Lies(Sabotage.LostLetters) && _topic == _simulation.Topology.DeadLetterTopic;

    private bool HasLanded => _waiting.Count == 0;

    internal override bool Abandon()
    {
        _isAbandoned = true;
        return !HasLanded && _simulation.Random.Next(2) == 0;
    }

    internal override bool Step()
    {
        if (HasLanded)
            return End();
        if (!_isAbandoned && _simulation.Happens(Faults.Appends, 60))
            return Fail(new LogUnavailableException("The append was not acknowledged."));
        if (_isAbandoned && (_simulation.Happens(Faults.Appends, 8) || IsLostLetter))
            return true;
        return !Land() || (HasLanded && _isAbandoned);
    }

    /// <summary>Lands some records of one partition; false when the log refuses one for good.</summary>
    private bool Land()
    {
        var (partition, queue) = _waiting.ElementAt(_simulation.Random.Next(_waiting.Count));
        for (var count = _simulation.Random.Next(1, 4); count > 0 && queue.TryDequeue(out var next); count--)
        {
            if (_simulation.Poison.Refuses(_topic, next.Record))
            {
                Fail(new RefusedException("The log takes no such frame."));
                return false;
            }

            if (_simulation.Lies(Sabotage.SkippedFrame) && _simulation.Random.Next(20) == 0)
                continue;
            _positions[next.Index] = _simulation.Log.Append(_topic, next.Record);
        }

        if (queue.Count == 0)
            _waiting.Remove(partition);
        _simulation.Trace($"{_topic}/{partition} ends at {_simulation.Log.End(new(_topic, partition))}");
        return true;
    }

    private bool End()
    {
        if (_simulation.Happens(Faults.Appends, 60))
            _end.TrySetException(new LogUnavailableException("The acknowledgement was lost."));
        else
            _end.TrySetResult(_positions);
        _simulation.Trace($"append to {_topic} ends {_end.Task.Status}");
        return true;
    }

    /// <summary>The append is reported failed; what has not landed yet may still land.</summary>
    private bool Fail(Exception error)
    {
        var comesLate = error is LogUnavailableException && _simulation.Random.Next(2) == 0;
        _isAbandoned = true;
        _simulation.Trace($"append to {_topic} fails{(comesLate ? ", and comes late" : "")}");
        _end.TrySetException(error);
        return !comesLate;
    }
}
