namespace ActorStreams.States;

/// <summary>
/// Keeps what became of appends that have an idempotency key: one row a key, until it expires. The content of a row is its writer's; the
/// store adds only conditions and its own clock, since the clocks of silos differ.
/// </summary>
/// <remarks>
/// What a member has answered survives a crash of the process and of the machine. Rows outlive <see cref="IStateStore.DropAsync"/>: they
/// cannot be folded again from the log. All members may be called by many threads and processes at once.
/// </remarks>
public interface IAppendKeys
{
    /// <summary>Adds a row, unless there is one with this id that has not expired.</summary>
    /// <returns>Null when the row was added; else the one that is there.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot do this now. The row may have been added all the same.</exception>
    ValueTask<StoredAppendKey?> AddAsync(AppendKeyWrite write, CancellationToken cancellationToken = default);

    /// <summary>Replaces a row, on condition that it has this token and has not expired. Its age begins again.</summary>
    /// <returns>False, with nothing written, when the condition does not hold.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot do this now. The row may have been replaced all the same.</exception>
    ValueTask<bool> ReplaceAsync(Guid expected, AppendKeyWrite write, CancellationToken cancellationToken = default);

    /// <summary>Deletes rows that have expired, those that expired first before others.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot do this now.</exception>
    ValueTask<int> DeleteExpiredAsync(int limit, CancellationToken cancellationToken = default);
}

/// <summary>A row to write.</summary>
/// <param name="Id">What identifies the row: ASCII, 64 characters at most.</param>
/// <param name="Token">A new one for each write: who knows it may replace the row.</param>
/// <param name="Data">The content, whose form is the writer's.</param>
/// <param name="Lifetime">How long the row is kept from now on, by the store's clock.</param>
public sealed record AppendKeyWrite(string Id, Guid Token, ReadOnlyMemory<byte> Data, TimeSpan Lifetime);

/// <summary>A row that is there.</summary>
/// <param name="Token">The token of its last write.</param>
/// <param name="Data">The content.</param>
/// <param name="Age">How long ago that write was, by the store's clock; never less than has passed since it was answered.</param>
public sealed record StoredAppendKey(Guid Token, ReadOnlyMemory<byte> Data, TimeSpan Age);
