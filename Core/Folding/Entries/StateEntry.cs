using ActorStreams.Json;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding.Entries;

/// <summary>
/// One key's place in the table: its state as an object, as stored bytes, or both, each made from the other only when needed. Both are the
/// same state: an object is kept only when it is what the bytes read back as (<see cref="StateFormat{TState}"/>).
/// </summary>
internal sealed class StateEntry<TState>(string key)
    where TState : class
{
    /// <summary>What an entry takes in memory beside key and state, about.</summary>
    private const int Overhead = 200;

    private TState? _state;
    private byte[]? _stored;
    private int _objectBytes;

    internal string Key { get; } = key;

    /// <summary>Whether the state is known here, and whether the store has it.</summary>
    internal EntryStatus Status { get; private set; }

    /// <summary>Whether the state is known here.</summary>
    internal bool IsLoaded => Status >= EntryStatus.Stored;

    /// <summary>Whether the store has the state as it is here, so that the entry may leave memory.</summary>
    internal bool MayLeave => Status <= EntryStatus.Stored;

    /// <summary>The key belongs to another partition of the topic.</summary>
    internal bool Misplaced { get; set; }

    /// <summary>Used since the clock hand last came by.</summary>
    internal bool Referenced { get; set; }

    /// <summary>The offset of the last record folded into the state; -1 for none.</summary>
    internal long Offset { get; set; } = -1;

    /// <summary>That record's timestamp.</summary>
    internal long Timestamp { get; set; }

    /// <summary>The reductions of the view key; null where the view has none.</summary>
    internal ReductionSlot[]? Reductions { get; set; }

    /// <summary>Sources of the view key that could not be folded; null as long as none is known of.</summary>
    internal FailedMembers? Failed { get; set; }

    internal bool HasContributions => Reductions is not null || Failed is not null;

    internal bool Exists { get; private set; }

    /// <summary>What the table counts the entry as; kept by the table.</summary>
    internal long CountedBytes { get; set; }

    /// <summary>What the entry takes in memory, about.</summary>
    internal long Bytes
    {
        get
        {
            var bytes = Overhead + (2L * Key.Length) + (_stored?.Length ?? 0) + (Failed?.KnownBytes ?? 0);
            if (_state is not null)
                bytes += 2 * _objectBytes;
            foreach (var slot in Reductions ?? [])
                bytes += slot.KnownBytes;
            return bytes;
        }
    }

    internal void Load(byte[]? stored, long offset, long timestamp)
    {
        (_state, _stored, Exists, Offset, Timestamp) = (null, stored, stored is not null, offset, timestamp);
        _objectBytes = stored?.Length ?? 0;
        if (Status != EntryStatus.Stored)
            MoveTo(EntryStatus.Stored);
    }

    /// <summary>The one transition of <see cref="EntryStatus"/>.</summary>
    /// <exception cref="BrokenInvariantException">The entry cannot go there from where it is.</exception>
    internal void MoveTo(EntryStatus next)
    {
        var allowed = (Status, next) switch
        {
            (EntryStatus.Missing, EntryStatus.Asked or EntryStatus.Stored) => true,
            (EntryStatus.Asked, EntryStatus.Stored) => true,
            (EntryStatus.Stored, EntryStatus.Changed) => true,
            (EntryStatus.Changed, EntryStatus.Writing) => true,
            (EntryStatus.Writing, EntryStatus.Stored or EntryStatus.ChangedWhileWriting) => true,
            (EntryStatus.ChangedWhileWriting, EntryStatus.Changed) => true,
            _ => false,
        };
        Status = allowed ? next : throw new BrokenInvariantException($"The table entry of a key cannot go from {Status} to {next}.");
    }

    internal TState? State(StateFormat<TState> format)
    {
        if (!Exists || _state is not null)
            return _state;
        var state = format.Read(_stored);
        if (format.IsFrozen)
            _state = state;
        return state;
    }

    internal byte[]? Stored(StateFormat<TState> format) => Exists ? _stored ??= format.Write(_state!) : null;

    /// <summary>Whether this very object is the state; never where user code could have changed it since.</summary>
    internal bool Holds(TState? state, StateFormat<TState> format) =>
        state is null ? !Exists : !format.KeepsUnstored && ReferenceEquals(state, _state);

    internal void Set(in TakenState<TState> taken, StateFormat<TState> format)
    {
        Exists = taken.State is not null;
        _stored = taken.Stored;
        _state = format.IsFrozen ? taken.State : null;
        _objectBytes = taken.Size;
    }
}
