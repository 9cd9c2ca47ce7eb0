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

    /// <summary>Where the key stands with the store.</summary>
    internal EntryStatus Status { get; set; }

    /// <summary>Changed since the last checkpoint began. With <see cref="Writing"/>, again since.</summary>
    internal bool Dirty { get; set; }

    /// <summary>Part of a checkpoint that is under way.</summary>
    internal bool Writing { get; set; }

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
        Status = EntryStatus.Loaded;
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

/// <summary>In which forms an entry has its state.</summary>
[Flags]
internal enum StateForm : byte
{
    None = 0,
    Object = 1,
    Bytes = 2,
}

/// <summary>Whether a table entry is known: Missing → Asked → Loaded, or Missing → Loaded; never back.</summary>
internal enum EntryStatus : byte
{
    /// <summary>New in the table.</summary>
    Missing,

    /// <summary>Among the needs of the batch that is being prepared; what the store has is not here yet.</summary>
    Asked,

    /// <summary>What it says is the state.</summary>
    Loaded,
}
