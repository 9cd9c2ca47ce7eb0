using ActorStreams.DeadLetters;
using System.Runtime.CompilerServices;
using ActorStreams.Folding;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Log;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Watching;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// What a partition of this silo answers, in the form and with the failures that cross the wire: the same for a caller on this silo and for
/// one that comes through the partition's grain.
/// </summary>
internal static class PartitionAnswers
{
    /// <summary>A key's state, once the offset asked for is folded or the time has run out.</summary>
    internal static Task<StateReply> ReplyAsync(
        this PartitionRunner runner, string key, long atLeast, TimeSpan timeout, CancellationToken cancellationToken) =>
            OnWireAsync(async () =>
        {
            await runner.Gate.EnterAsync(cancellationToken);
            var read = await runner.ReadAtLeastAsync(key, atLeast, timeout, cancellationToken);
            return runner.Reply(read) with { Reached = atLeast < 0 || read.Offset >= atLeast };
        });

    /// <summary>States in key order.</summary>
    internal static Task<IReadOnlyList<StateReply>> ReplyAsync(
        this PartitionRunner runner, ListRequest request, CancellationToken cancellationToken) =>
        OnWireAsync<IReadOnlyList<StateReply>>(async () =>
        {
            await runner.Gate.EnterAsync(cancellationToken);
            return [.. (await runner.ListAsync(request.Prefix, request.After, request.Limit, cancellationToken)).Select(runner.Reply)];
        });

    /// <summary>What has become of records of the input log that were set aside.</summary>
    internal static Task<IReadOnlyList<DeadLetterState>> ReplyAsync(
        this PartitionRunner runner, IReadOnlyList<long> offsets, CancellationToken cancellationToken) => OnWireAsync(async () =>
            await runner.AskAsync<IReadOnlyList<DeadLetterState>>(
                fold => [.. offsets.Select(offset => StateOf(fold, offset))], cancellationToken));

    /// <summary>Waits until an offset is folded and its changes are durable; false when the time ran out.</summary>
    internal static Task<bool> RoutedAsync(
        this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        OnWireAsync(async () => await runner.WaitRoutedAsync(offset, timeout, cancellationToken));

    /// <summary>Sets aside the record before which the partition has stopped; done when a checkpoint with it is written.</summary>
    internal static Task<bool> SetAsideAsync(
        this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) => OnWireAsync(async () =>
        {
            try
            {
                await runner.SetAsideAsync(offset).WaitAsync(timeout, runner.Services.Time, cancellationToken);
                return true;
            }
            catch (NotStoppedThereException error)
            {
                throw new RequestRefusedException(409, "The partition does not stand there", error.Message);
            }
            catch (TimeoutException)
            {
                throw new RequestRefusedException(
                    503, "Not set aside yet", $"The order to set aside {runner.Input}:{offset} is taken, but no checkpoint with it is "
                    + $"written after {timeout.TotalSeconds} s: {runner.Reason ?? "it is under way"}. Repeat it to wait on.");
            }
        });

    /// <summary>The state and then each change, or the changes after a position.</summary>
    internal static async IAsyncEnumerable<WatchReply> ReplyAsync(
        this PartitionRunner runner, string key, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await OnWireAsync(async () =>
        {
            await runner.Gate.EnterAsync(cancellationToken);
            return true;
        });
        ChangePosition? since = request.SinceOffset is { } offset ? new(runner.Partition, offset, request.SinceIndex) : null;
        await using var items = runner.WatchAsync(key, since, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await OnWireAsync(async () => await items.MoveNextAsync()))
        {
            yield return items.Current is { State: { } state }
                ? new() { State = runner.Reply(state) } : new() { Change = runner.Reply(items.Current.Change!) };
        }
    }

    /// <summary>What the partition is doing.</summary>
    internal static PartitionStatus ToStatus(this PartitionRunner runner, string silo, Dismissals dismissals) => new()
    {
        Dataset = runner.Dataset.Name,
        Partition = runner.Partition,
        Silo = silo,
        Status = runner.Status.ToString().ToLowerInvariant(),
        Reason = runner.Reason ?? runner.Held,
        NextOffset = runner.NextOffset,
        EndOffset = runner.EndOffset,
        States = runner.States,
        TableEntries = runner.TableEntries,
        BehindRecords = runner.BehindRecords,
        BehindSeconds = runner.BehindSeconds,
        MisplacedRecords = runner.MisplacedRecords,
        MayHoldMisplacedKeys = runner.MayHoldMisplacedKeys,
        OpenDeadLetters = runner.OpenWithout(dismissals),
        CheckpointAgeSeconds = runner.CheckpointAgeSeconds,
        Build = runner.Dataset.Build,
        Edges =
        [
            .. (runner.Session?.Fold.Edges ?? []).Select(
                edge => new EdgeStatus(edge.View, edge.Build, edge.IsWhole, edge.Sent, edge.Passed)),
        ],
        StoppedAt = runner.StoppedAt,
    };

    /// <summary>Records set aside that were not folded since, nor dismissed.</summary>
    private static long OpenWithout(this PartitionRunner runner, Dismissals dismissals)
    {
        if (runner.Session?.Fold is not { OpenDeadLetters: { } open } fold)
            return 0;
        lock (fold.Gate)
            return open.Count - dismissals.CountOf(runner.Dataset.Name, runner.Input, open);
    }

    /// <summary>After a failure a partition stands before records that it will set aside once more.</summary>
    private static DeadLetterState StateOf(PartitionFold fold, long offset) =>
        fold.OpenDeadLetters is not { } open ? DeadLetterState.Unknown
        : open.Contains(offset) || offset >= fold.NextOffset ? DeadLetterState.Open
        : offset < open.KnownFrom ? DeadLetterState.Unknown : DeadLetterState.Folded;

    private static StateReply Reply(this PartitionRunner runner, StateRead read) => new()
    {
        Key = read.Key,
        State = read.State,
        Position = new(runner.Dataset.Topic, runner.Partition, read.Offset),
        Build = runner.Dataset.Build,
        Timestamp = read.Timestamp,
        BehindRecords = read.BehindRecords,
        BehindSeconds = read.BehindSeconds,
    };

    private static ChangeReply Reply(this PartitionRunner runner, WatchedChange change) => new()
    {
        Key = change.Key,
        Before = change.Before,
        After = change.After,
        Position = new(runner.Dataset.Topic, runner.Partition, change.Position.Offset),
        Index = change.Position.Index,
        Build = runner.Dataset.Build,
        Trigger = PositionReply.From(change.Cause.Trigger),
        Root = PositionReply.From(change.Cause.Root),
        Timestamp = change.Timestamp,
    };

    /// <summary>The failures of a partition cannot cross the wire; their counterparts can.</summary>
    private static async Task<T> OnWireAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PartitionClosedException error)
        {
            throw new PartitionUnavailableException(error.Message);
        }
        catch (SupersededException error)
        {
            throw new BuildSupersededException(error.Message);
        }
        catch (WatchEndedException error)
        {
            throw new WatchBrokenException(error.Message);
        }
        catch (UnknownPositionException error)
        {
            throw new WatchPositionException(error.Message);
        }
    }
}
