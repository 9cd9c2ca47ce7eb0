namespace ActorStreams.States;

/// <summary>Append keys in memory, for tests: they are gone with their process.</summary>
public sealed class InMemoryAppendKeys(TimeProvider? time = null) : IAppendKeys
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Row> _rows = [];

    /// <inheritdoc/>
    public ValueTask<StoredAppendKey?> AddAsync(AppendKeyWrite write, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Living(write.Id) is { } row)
                return new(new StoredAppendKey(row.Token, row.Data, _time.GetUtcNow() - row.Written));
            Write(write);
            return new((StoredAppendKey?)null);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> ReplaceAsync(Guid expected, AppendKeyWrite write, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Living(write.Id)?.Token != expected)
                return new(false);
            Write(write);
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<int> DeleteExpiredAsync(int limit, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            List<string> expired =
                [.. _rows.Where(row => row.Value.Expires <= now).OrderBy(row => row.Value.Expires).Take(limit).Select(row => row.Key)];
            expired.ForEach(id => _rows.Remove(id));
            return new(expired.Count);
        }
    }

    private Row? Living(string id) => _rows.TryGetValue(id, out var row) && row.Expires > _time.GetUtcNow() ? row : null;

    private void Write(AppendKeyWrite write)
    {
        var now = _time.GetUtcNow();
        _rows[write.Id] = new(write.Token, write.Data.ToArray(), now, now + write.Lifetime);
    }

    private sealed record Row(Guid Token, byte[] Data, DateTimeOffset Written, DateTimeOffset Expires);
}
