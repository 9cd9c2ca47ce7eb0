using System.Collections.Concurrent;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Appends;

// An append with an idempotency key, as its row in IAppendKeys:
//
//   (none) ──claim──► Claimed ──appended──► Complete ──expires──► (none)
//                      │   ▲
//                      └───┘ found in the log in part or not at all, and no earlier attempt can land any more: claimed anew
//
// The claim is durable before anything is sent, so a record with the key's header lies behind the claim's cursors or nowhere. Whoever finds
// a claim searches the log from there. If all records are found, the append has happened. If not, they may still land until the claim is
// older than an append can be under way: IChangeLog.LongestAppend, and MaxClaimSeconds before it. Only then may another attempt be made,
// by whoever replaces the row; and it appends only what is missing. Ages are the store's, so the clocks of silos do not matter.
//
// A log that belongs to this process alone has no LongestAppend: what another process had under way has ended with it, and what this
// one has is in _underWay.

/// <summary>Appends that happen once however often they are requested.</summary>
internal sealed partial class KeyedAppends(
    IChangeLog log, IAppendKeys keys, RecordLimits limits, TimeProvider time, ILogger<KeyedAppends> logger)
{
    /// <summary>The longest from the beginning of a claim to the beginning of its append; beyond it the append is not begun.</summary>
    internal const int MaxClaimSeconds = 10;

    private readonly ClaimSearch _search = new(log, time);
    private readonly ConcurrentDictionary<string, bool> _underWay = new(StringComparer.Ordinal);

    /// <summary>How old a claim must be before its append cannot land any more.</summary>
    private TimeSpan SettledAfter => log.LongestAppend is { } longest ? longest + TimeSpan.FromSeconds(MaxClaimSeconds) : TimeSpan.Zero;

    /// <summary>
    /// Appends records, or answers where an earlier request with the same key has put them. It goes on when its caller has gone: what is
    /// claimed is brought to an end.
    /// </summary>
    /// <exception cref="RequestRefusedException">422: the key was sent for other records. 409: an append with the key may be under way.
    /// </exception>
    /// <exception cref="StoreUnavailableException">The key cannot be claimed now. Nothing was appended.</exception>
    /// <exception cref="LogUnavailableException">The log cannot take the records now. Send the same request again.</exception>
    internal async Task<KeyedPositions> AppendAsync(string topic, IReadOnlyList<NewRecord> records, AppendKey key)
    {
        if (!_underWay.TryAdd(key.Id, true))
            throw UnderWay(TimeSpan.Zero, TimeSpan.Zero);
        try
        {
            return await ClaimAsync(topic, records, key);
        }
        finally
        {
            _underWay.TryRemove(key.Id, out _);
        }
    }

    private async Task<KeyedPositions> ClaimAsync(string topic, IReadOnlyList<NewRecord> records, AppendKey key)
    {
        var claim = AppendClaim.New(key.Digest, records.Count);
        await BeginAsync(claim, topic, records);
        var (started, row) = (time.GetTimestamp(), Row(key, claim));
        if (await keys.AddAsync(row) is not { } there)
            return new(await AppendMissingAsync(topic, records, key, claim, row.Token, started), false);

        claim = AppendClaim.Read(there.Data);
        if (!claim.Digest.AsSpan().SequenceEqual(key.Digest))
        {
            throw new RequestRefusedException(422, "The idempotency key was sent for something else",
                "Another topic or other records were sent with this idempotency key. Send each append with a key of its own, and repeat it "
                + "byte for byte.");
        }

        return claim.IsComplete ? new(claim.Positions(topic), true) : await ContinueAsync(topic, records, key, there, claim);
    }

    /// <summary>An earlier attempt did not end: finds out what it did, and does the rest where that is safe.</summary>
    private async Task<KeyedPositions> ContinueAsync(
        string topic, IReadOnlyList<NewRecord> records, AppendKey key, StoredAppendKey there, AppendClaim claim)
    {
        // Before the search, and not after it: what lands later would be missed.
        var (left, isSettled) = (claim.SettledAfter - there.Age, claim.IsSettled || there.Age >= claim.SettledAfter);
        var isSearched = await _search.RunAsync(topic, key.Id, claim);
        if (claim.IsComplete)
        {
            await KeepAsync(there.Token, Row(key, claim));
            return new(claim.Positions(topic), true);
        }

        if (!isSettled)
            throw UnderWay(there.Age, left);
        claim.IsSettled = true;
        if (isSearched)
            await BeginAsync(claim, topic, records);
        var (started, row) = (time.GetTimestamp(), Row(key, claim));
        if (!await keys.ReplaceAsync(there.Token, row) || !isSearched)
            throw UnderWay(there.Age, TimeSpan.Zero);
        return new(await AppendMissingAsync(topic, records, key, claim, row.Token, started), false);
    }

    private async Task<IReadOnlyList<Position>> AppendMissingAsync(
        string topic, IReadOnlyList<NewRecord> records, AppendKey key, AppendClaim claim, Guid token, long started)
    {
        if (time.GetElapsedTime(started).TotalSeconds > MaxClaimSeconds)
        {
            throw new StoreUnavailableException(
                $"The state store took longer than {MaxClaimSeconds} s to claim the idempotency key. Nothing was appended. Check the "
                + "store's load, and send the same request again.");
        }

        var missing = claim.Missing;
        var positions = await log.AppendTracedAsync(topic, [.. missing.Select(i => records[i])], CancellationToken.None);
        for (var i = 0; i < missing.Count; i++)
            claim.Found(missing[i], positions[i].Partition, positions[i].Offset);
        await KeepAsync(token, Row(key, claim));
        return claim.Positions(topic);
    }

    /// <summary>The claim of an attempt that begins now: where its records can lie. A known end may be an old one.</summary>
    private async Task BeginAsync(AppendClaim claim, string topic, IReadOnlyList<NewRecord> records)
    {
        (claim.IsSettled, claim.SettledAfter) = (false, SettledAfter);
        IReadOnlyList<OffsetRange>? ranges = null;
        foreach (var record in records)
        {
            if (!claim.Cursors.ContainsKey(record.Partition))
            {
                claim.Cursors.Add(
                    record.Partition,
                    log.KnownEnd(new(topic, record.Partition))
                        ?? (ranges ??= await log.OffsetsAsync(topic, CancellationToken.None))[record.Partition].End);
            }
        }
    }

    /// <summary>Notes where the records are. Without it the next request with the key finds them in the log.</summary>
    private async Task KeepAsync(Guid token, AppendKeyWrite row)
    {
        try
        {
            await keys.ReplaceAsync(token, row);
        }
        catch (StoreUnavailableException error)
        {
            LogNotKept(logger, error.Message);
        }
    }

    private AppendKeyWrite Row(AppendKey key, AppendClaim claim) =>
        new(key.Id, Guid.NewGuid(), claim.ToBytes(), limits.KeyLifetime + (claim.IsComplete ? TimeSpan.Zero : SettledAfter));

    /// <param name="age">How long ago the attempt under way began.</param>
    /// <param name="left">When it cannot be under way any more; it is likely to have ended long before.</param>
    private static RequestRefusedException UnderWay(TimeSpan age, TimeSpan left) => new(
        409, "The append is under way",
        $"An append with this idempotency key is under way, or was broken off {age.TotalSeconds:0} s ago. "
        + (left > TimeSpan.Zero ? $"What became of it is known in {left.TotalSeconds:0} s at the latest. " : "")
        + "Send the same request again.",
        (int)Math.Clamp(Math.Ceiling(left.TotalSeconds), 1, 5));

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Where the records of an append are could not be noted with its idempotency key; a repeat finds them in the log. {Reason}")]
    private static partial void LogNotKept(ILogger logger, string reason);
}

/// <summary>Where the records of an append are.</summary>
/// <param name="Positions">The position of each.</param>
/// <param name="IsReplay">This request appended nothing: an earlier one with the same key had.</param>
public readonly record struct KeyedPositions(IReadOnlyList<Position> Positions, bool IsReplay);
