using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// The checkpoints of one session: when one is due, and the one under way. At most one is under way, and its frames were durable before it
/// began (semantics §4 step 4).
/// </summary>
internal sealed class Checkpoints
{
    /// <summary>
    /// A checkpoint is followed by a rest of this many times its duration: meanwhile a hot state changes again, and is written once.
    /// </summary>
    private const int RestAfterWrite = 4;

    private readonly PartitionServices _services;
    private readonly PartitionFold _fold;
    private readonly PartitionMeter _meter;
    private readonly FrameAppends _appends;
    private Task<bool>? _underWay;
    private long _lastEnd;
    private TimeSpan _lastDuration;

    internal Checkpoints(PartitionServices services, PartitionFold fold, PartitionMeter meter, FrameAppends appends)
    {
        (_services, _fold, _meter, _appends) = (services, fold, meter, appends);
        _lastEnd = services.Time.GetTimestamp();
    }

    /// <summary>The number of checkpoints written by this session. While it stays, the store has what it had.</summary>
    internal int Generation { get; private set; }

    /// <summary>True when something is folded that no checkpoint has.</summary>
    internal bool HasUnstored => _fold.HasUnstored;

    /// <summary>The checkpoint under way; null when there is none.</summary>
    internal Task? UnderWay => _underWay;

    /// <summary>The time until the next checkpoint is due; zero when it is.</summary>
    internal TimeSpan UntilDue => Interval - SinceLast is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    private TimeSpan SinceLast => _services.Time.GetElapsedTime(_lastEnd);

    /// <summary>At least what the options say; longer where the store is slow, so that writing takes at most a part of the time.</summary>
    private TimeSpan Interval
    {
        get
        {
            var (asked, rest) = (TimeSpan.FromSeconds(_services.Options.CheckpointIntervalSeconds), RestAfterWrite * _lastDuration);
            return asked > rest ? asked : rest;
        }
    }

    /// <summary>Ends the checkpoint under way if it is done, and begins one if it is due. Waits only when too much is unstored.</summary>
    /// <returns>True when a checkpoint was written.</returns>
    internal async ValueTask<bool> KeepAsync()
    {
        var written = false;
        if (_underWay is { IsCompleted: true } || (_underWay is not null && IsCrowded(times: 2)))
            written = await FinishAsync();
        if (_underWay is null && HasUnstored && (UntilDue == TimeSpan.Zero || IsCrowded(times: 1)))
        {
            await _appends.FinishAsync();
            Begin();
        }

        return written;
    }

    /// <summary>Begins a checkpoint of everything that is folded. All appends must be durable.</summary>
    internal void Begin()
    {
        if (_underWay is not null)
            throw new InvalidOperationException($"{_fold.Id} would begin a checkpoint while another is under way.");
        if (!_appends.AreDurable)
            throw new InvalidOperationException($"{_fold.Id} would begin a checkpoint whose frames are not durable.");
        CheckpointWrite write;
        lock (_fold.Gate)
            write = _fold.BeginCheckpoint();
        _meter.CheckpointBegun();
        _underWay = WriteAsync(write);
    }

    /// <summary>Waits for the checkpoint under way, if there is one.</summary>
    /// <returns>True when one was written.</returns>
    /// <exception cref="OwnerLostException">Another owner has moved the checkpoint.</exception>
    internal async ValueTask<bool> FinishAsync()
    {
        if (_underWay is null)
            return false;
        if (!await _underWay)
            throw new OwnerLostException(_fold.Id);
        lock (_fold.Gate)
        {
            _fold.CheckpointWritten();
            Generation++;
        }

        _meter.CheckpointStored();
        var reader = TopicNames.Reader(_services.Topology.Application, _fold.Dataset);
        _services.Log.ReportProgress(reader, new(_fold.Dataset.Topic, _fold.Partition), _fold.StoredPosition!.Value);
        // The interval begins at the end of the write: where the store is slow, the same states are not written again and again.
        _lastEnd = _services.Time.GetTimestamp();
        _underWay = null;
        return true;
    }

    /// <summary>
    /// True when what the store does not have takes more memory than it may: no state can leave the table before it is stored.
    /// </summary>
    private bool IsCrowded(long times)
    {
        var room = Math.Max(_fold.Options.TableEntries, _services.Options.BatchRecords);
        return _fold.UnstoredBytes >= times * _services.Options.MaxUnstoredBytes
            || _fold.DirtyEntries >= times * _services.Options.MaxUnstoredStates
            || (_fold.TableEntries > times * room && 2L * _fold.DirtyEntries >= times * room);
    }

    private async Task<bool> WriteAsync(CheckpointWrite write)
    {
        var begin = _services.Time.GetTimestamp();
        bool? written = null;
        try
        {
            written = await _services.Store.WriteCheckpointAsync(write);
            return written.Value;
        }
        finally
        {
            _lastDuration = _services.Time.GetElapsedTime(begin);
            _meter.CheckpointEnded(_lastDuration, written);
        }
    }
}
