using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Reducing;

namespace ActorStreams.Folding;

/// <summary>
/// One key's place in the table: its state as an object, as stored bytes, or both, each made from the other only when asked for.
/// </summary>
internal sealed class StateEntry<TState>(string key)
    where TState : class
{
    private StateForm _form;
    private TState? _state;
    private byte[]? _stored;

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

    /// <summary>What is kept beside the state; null where the view has no reductions.</summary>
    internal ContributionSlot[]? Contributions { get; set; }

    internal bool Exists => Has(StateForm.Object) ? _state is not null : _stored is not null;

    internal void Load(byte[]? stored, long offset, long timestamp)
    {
        (_form, _state, _stored, Offset, Timestamp) = (StateForm.Bytes, null, stored, offset, timestamp);
        if (Status != EntryStatus.Stored)
            MoveTo(EntryStatus.Stored);
    }

    /// <summary>The one transition of <see cref="EntryStatus"/>.</summary>
    /// <exception cref="InvalidOperationException">The entry cannot go there from where it is.</exception>
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
        Status = allowed ? next : throw new InvalidOperationException($"The table entry of a key cannot go from {Status} to {next}.");
    }

    internal TState? State(JsonTypeInfo<TState> json)
    {
        if (!Has(StateForm.Object))
        {
            _state = _stored is null ? null : JsonSerializer.Deserialize(_stored, json);
            _form |= StateForm.Object;
        }

        return _state;
    }

    internal byte[]? Stored(JsonTypeInfo<TState> json)
    {
        if (!Has(StateForm.Bytes))
        {
            _stored = _state is null ? null : JsonSerializer.SerializeToUtf8Bytes(_state, json);
            _form |= StateForm.Bytes;
        }

        return _stored;
    }

    internal void Set(TState? state) => (_form, _state, _stored) = (StateForm.Object, state, null);

    internal void Set(TState? state, byte[]? stored) => (_form, _state, _stored) = (StateForm.Object | StateForm.Bytes, state, stored);

    // Not HasFlag: in code that generic types share it makes two objects a call.
    private bool Has(StateForm form) => (_form & form) != 0;
}
