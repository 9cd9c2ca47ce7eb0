using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>
/// Loads a source into a topic so that every record is there once, though connections break and the silo restarts.
/// </summary>
/// <remarks>
/// An append is not idempotent: when a connection breaks, the records may be there or not. So before a chunk is sent, the ends of
/// the topic's partitions are known. After a failure the loader waits until the silo is back, reads what was appended after these
/// ends, and sends only what is missing. This is exact as long as the loader is the topic's only writer; where it reads a record that
/// is not its own, it stops with <see cref="ForeignRecordException"/>. One instance makes one load.
/// </remarks>
public sealed class ExactLoader(ActorStreamsClient client, string topic, LoadOptions? options = null)
{
    private readonly LoadOptions _options = options ?? new();
    private readonly TopicEnds _ends = new(client, topic);
    private readonly TimeProvider _time = client.Options.TimeProvider;
    private long _appended;
    private long _skipped;
    private long? _failingSince;

    /// <summary>Records appended until now; any thread may read it.</summary>
    public long Appended => Interlocked.Read(ref _appended);

    /// <summary>Records found to be there from an earlier load, until now.</summary>
    public long Skipped => Interlocked.Read(ref _skipped);

    /// <summary>True while the silo is unreachable and the load waits for it.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>Loads all of an opened source.</summary>
    /// <exception cref="LoadStoppedException">The silo stayed away for longer than <see cref="LoadOptions.WaitSeconds"/>,
    /// or refused a record.</exception>
    /// <exception cref="ForeignRecordException">Another writer appends to the topic, or it held other records before.</exception>
    public async Task<LoadResult> LoadAsync(LoadSource source, CancellationToken cancellationToken = default)
    {
        var started = _time.GetTimestamp();
        await UntilBackAsync(_ends.ReadAsync, cancellationToken).ConfigureAwait(false);
        var records = source.ReadAsync(cancellationToken);
        if (_options.Resume)
            records = new LoadedPrefix(_ends, client.Options.JsonSerializerOptions, () => Interlocked.Increment(ref _skipped))
                .SkipAsync(records, cancellationToken);
        await foreach (var chunk in AppendChunk.SplitAsync(
            records, client.Options.JsonSerializerOptions, cancellationToken).ConfigureAwait(false))
            await AppendOnceAsync(chunk, cancellationToken).ConfigureAwait(false);
        return new(topic, Appended, Skipped, _time.GetElapsedTime(started).TotalSeconds);
    }

    private async Task AppendOnceAsync(AppendChunk chunk, CancellationToken cancellationToken)
    {
        for (var failures = 0; chunk.Records.Count > 0; failures++)
        {
            if (failures > 0)
                await PauseAsync(failures, cancellationToken).ConfigureAwait(false);
            try
            {
                _ends.Advance(await client.Transport.AppendAsync(topic, chunk, null, cancellationToken).ConfigureAwait(false));
                Progress(chunk.Records.Count);
                return;
            }
            catch (AppendRefusedException e)
            {
                throw new LoadStoppedException(
                    $"Record {Skipped + Appended + e.Line:N0} of the input was refused by topic '{topic}': {e.Error}", Appended, e);
            }
            catch (ActorStreamsException e) when (IsTransient(e))
            {
                ThrowIfTooLong(e);
                chunk = await RemainderAsync(chunk, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // What of the chunk is not in the topic yet. Nothing else writes, so what came after the known ends is this chunk's or foreign.
    private async Task<AppendChunk> RemainderAsync(AppendChunk chunk, CancellationToken cancellationToken)
    {
        var landed = new LandedRecords(topic, chunk.Records, client.Options.JsonSerializerOptions);
        var before = _ends.Copy();
        await UntilBackAsync(SettleAsync, cancellationToken).ConfigureAwait(false);
        await UntilBackAsync(ReadLandedAsync, cancellationToken).ConfigureAwait(false);
        Progress(landed.Count);
        return landed.Count == 0 ? chunk : AppendChunk.Of(landed.Missing(), client.Options.JsonSerializerOptions);

        async Task ReadLandedAsync(CancellationToken token)
        {
            landed.Reset();
            foreach (var (partition, end) in _ends.Copy())
            {
                await foreach (var record in _ends.ReadRecordsAsync(
                    partition, before.GetValueOrDefault(partition), end, token).ConfigureAwait(false))
                    landed.Add(record);
            }
        }
    }

    // A silo that lives may still be appending what it read before the connection broke: wait until the ends stand still.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        Dictionary<int, long> previous;
        await _ends.ReadAsync(cancellationToken).ConfigureAwait(false);
        do
        {
            previous = _ends.Copy();
            await Task.Delay(TimeSpan.FromMilliseconds(_options.SettleMilliseconds), _time, cancellationToken).ConfigureAwait(false);
            await _ends.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!_ends.Copy().All(end => previous.GetValueOrDefault(end.Key, -1) == end.Value));
    }

    private async Task UntilBackAsync(Func<CancellationToken, Task> action, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                await action(cancellationToken).ConfigureAwait(false);
                IsWaiting = false;
                return;
            }
            catch (ActorStreamsException e) when (IsTransient(e))
            {
                ThrowIfTooLong(e);
            }

            IsWaiting = true;
            await PauseAsync(failures, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task PauseAsync(int failures, CancellationToken cancellationToken)
    {
        var milliseconds = Math.Min(
            client.Options.ReconnectMaxMilliseconds, client.Options.ReconnectMinMilliseconds * Math.Pow(2, Math.Min(failures, 30)));
        return Task.Delay(TimeSpan.FromMilliseconds(milliseconds), _time, cancellationToken);
    }

    private void Progress(int records)
    {
        if (records == 0)
            return;
        Interlocked.Add(ref _appended, records);
        _failingSince = null;
    }

    private void ThrowIfTooLong(ActorStreamsException e)
    {
        var waited = _time.GetElapsedTime(_failingSince ??= _time.GetTimestamp());
        if (waited.TotalSeconds < _options.WaitSeconds)
            return;
        if (Appended + Skipped == 0 && e is SiloUnreachableException)
            throw e;
        throw new LoadStoppedException(
            $"No record could be appended to topic '{topic}' for {waited.TotalSeconds:N0} seconds: {e.Message}", Appended, e);
    }

    // A silo that is starting may not have the topic yet: once something failed, "there is no such topic" may pass too.
    private bool IsTransient(ActorStreamsException e) =>
        e is SiloUnreachableException or ConnectionLostException or AppendOutcomeUnknownException
        || (e.Status is HttpStatusCode.NotFound && _failingSince is not null)
        || e.Status is >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests;
}
