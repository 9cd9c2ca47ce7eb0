using System.Text.Unicode;

namespace ActorStreams.Folding.Entries;

/// <summary>
/// The states of a partition that are in memory, by key. Bounded: entries that the store has leave by the clock algorithm
/// (each gets a second chance when it was used since the hand last came by); entries it does not have stay, so a full table
/// of those asks for a checkpoint.
/// </summary>
internal sealed class StateTable<TState>(int maxEntries, long maxBytes)
    where TState : class
{
    private const int UsualKeyChars = 256;
    private readonly Dictionary<string, StateEntry<TState>> _entries = new(StringComparer.Ordinal);
    private readonly List<StateEntry<TState>> _clock = [];
    private readonly char[] _chars = new char[UsualKeyChars];
    private int _hand;

    internal int Count => _entries.Count;

    /// <summary>What the entries take in memory, about.</summary>
    internal long Bytes { get; private set; }

    internal StateEntry<TState>? Find(string key) => _entries.GetValueOrDefault(key);

    internal IEnumerable<StateEntry<TState>> Entries => _clock;

    /// <summary>The entry of a UTF-8 key, new and missing if there is none yet; null when the key is not UTF-8.</summary>
    internal StateEntry<TState>? GetOrAdd(ReadOnlySpan<byte> key)
    {
        var chars = key.Length <= _chars.Length ? _chars : new char[key.Length];
        if (Utf8.ToUtf16(key, chars, out _, out var length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
            return null;
        var text = chars.AsSpan(0, length);
        if (_entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var entry))
        {
            entry.Referenced = true;
            return entry;
        }

        return Add(new string(text));
    }

    internal StateEntry<TState> Add(string key)
    {
        var entry = new StateEntry<TState>(key) { Referenced = true };
        _entries.Add(key, entry);
        _clock.Add(entry);
        Recount(entry);
        return entry;
    }

    /// <summary>Counts the bytes of an entry that may have changed.</summary>
    internal void Recount(StateEntry<TState> entry)
    {
        var bytes = entry.Bytes;
        Bytes += bytes - entry.CountedBytes;
        entry.CountedBytes = bytes;
    }

    /// <summary>
    /// Lets entries go until the table is within its bound, or holds only what the store does not have. True when a state or contribution
    /// left.
    /// </summary>
    internal bool Trim()
    {
        var stateLeft = false;
        for (var chances = 2 * _clock.Count; (_entries.Count > maxEntries || Bytes > maxBytes) && chances > 0; chances--)
        {
            if (_hand >= _clock.Count)
                _hand = 0;
            var entry = _clock[_hand];
            if (!entry.MayLeave || entry.Referenced)
            {
                entry.Referenced = false;
                _hand++;
                continue;
            }

            stateLeft |= entry.Exists || entry.HasContributions;
            Bytes -= entry.CountedBytes;
            _entries.Remove(entry.Key);
            _clock[_hand] = _clock[^1];
            _clock.RemoveAt(_clock.Count - 1);
        }

        return stateLeft;
    }
}
