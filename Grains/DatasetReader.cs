using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains;

/// <summary>
/// Reads datasets wherever their partitions are: directly on this silo, by a call on another. Also knows how to wait until a position is folded in, also one
/// of a source topic that reaches the dataset only through other views.
/// </summary>
internal sealed class DatasetReader(
    Topology topology, IChangeLog log, PartitionDirectory local, Ownership ownership, ForeignKeys foreign, IGrainFactory grains, TimeProvider time)
{
    /// <summary>Partitions that one read asks at once, where its key may lie in any.</summary>
    private const int MaxAskedAtOnce = 32;

    /// <summary>How long a partition on another silo may take to say how it is doing.</summary>
    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Whether a key's actor has its place on this silo.</summary>
    internal bool IsHere(Dataset dataset, string key) => ownership.Version == 0 || ownership.IsMine(dataset, dataset.PartitionOf(key));

    /// <summary>The dataset and key that a state grain's address <c>dataset/key</c> names.</summary>
    /// <exception cref="ArgumentException">There is no such dataset of this kind.</exception>
    internal (Dataset Dataset, string Key) Parse(string address, DatasetKind kind)
    {
        var slash = address.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && topology.TryGet(address[..slash], out var dataset) && dataset.Kind == kind)
            return (dataset, address[(slash + 1)..]);
        throw new ArgumentException($"'{address}' names no {kind.ToString().ToLowerInvariant()}. A state grain is addressed as dataset/key, with a dataset of this topology.", nameof(address));
    }

    internal async Task<StateReply> ReadAsync(Dataset dataset, string key, ReadRequest request, CancellationToken cancellationToken)
    {
        var home = dataset.PartitionOf(key);
        var reply = await ReadAsync(dataset, home, key, request, cancellationToken);
        // An entity's position names a partition, and whoever has one has seen something there.
        var named = dataset.Kind == DatasetKind.Entity && request.AtLeast is { } position && position.Partition != home ? position.Partition : home;
        if (named == home && reply.State is not null && dataset.HasHome(key))
            return reply;
        var elsewhere = foreign.MayLieElsewhere(dataset, key);
        if (named == home && !elsewhere)
            return reply;
        IEnumerable<int> others = elsewhere ? Enumerable.Range(0, dataset.Partitions).Where(partition => partition != home) : [named];
        return await ReadAsync(dataset, key, others, named, reply, request, cancellationToken);
    }

    /// <summary>What is wrong with a position that a read is to wait for; null when nothing is.</summary>
    internal string? FaultOf(Dataset dataset, Position position)
    {
        if (!IsBehind(dataset, position.Topic))
            return $"Nothing of topic '{position.Topic}' flows into the {dataset}. Its input log is '{dataset.Topic}'.";
        var partitions = topology.Datasets.First(one => one.Topic == position.Topic).Partitions;
        return position.Partition < partitions ? null
            : $"Topic '{position.Topic}' has {partitions} partitions, numbered from 0: there is no partition {position.Partition}.";
    }

    /// <summary>What is wrong with the partition in which a watch of a key is to go on; null when nothing is.</summary>
    internal string? FaultOf(Dataset dataset, string key, WatchRequest request) =>
        request.Partition is not { } partition ? null
        : partition >= dataset.Partitions ? $"The watch is to go on after {partition}:{request.SinceOffset}, but '{dataset.Topic}' has {dataset.Partitions} partitions, numbered from 0."
        : partition != dataset.PartitionOf(key) && !foreign.MayLieElsewhere(dataset, key)
            ? $"The watch is to go on after {partition}:{request.SinceOffset}, but the key '{key}' lies in partition {dataset.PartitionOf(key)} of '{dataset.Topic}'."
        : null;

    /// <summary>The key's state among its home's and those of other partitions; when none has one, what the partition says that was asked for.</summary>
    private async Task<StateReply> ReadAsync(
        Dataset dataset, string key, IEnumerable<int> others, int named, StateReply home, ReadRequest request, CancellationToken cancellationToken)
    {
        List<StateReply> replies = [home];
        foreach (var some in others.Chunk(MaxAskedAtOnce))
            replies.AddRange(await Task.WhenAll(some.Select(partition => ReadAsync(dataset, partition, key, request, cancellationToken))));
        var found = replies.Where(reply => reply.State is not null).MaxBy(reply => dataset.PlaceOf(key, reply.Position.Partition, reply.Timestamp));
        return (found ?? replies.First(reply => reply.Position.Partition == named)) with { Reached = replies.All(reply => reply.Reached) };
    }

    private async Task<StateReply> ReadAsync(Dataset dataset, int partition, string key, ReadRequest request, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(time, TimeSpan.FromSeconds(request.TimeoutSeconds));
        var (offset, routed) = request.AtLeast is { } position ? await OwnOffsetAsync(dataset, partition, position.ToPosition(), deadline, cancellationToken) : (-1, true);
        var reply = await AskAsync(
            dataset, partition, runner => ReadHereAsync(runner, key, offset, deadline, cancellationToken),
            grain => grain.Read(key, new(offset < 0 ? null : new(dataset.Topic, partition, offset), deadline.Left.TotalSeconds), cancellationToken), cancellationToken);
        return reply with { Reached = routed && reply.Reached };
    }

    private static async Task<StateReply> ReadHereAsync(PartitionRunner runner, string key, long offset, Deadline deadline, CancellationToken cancellationToken)
    {
        var folded = offset < 0 || await runner.WaitFoldedAsync(offset, deadline.Left, cancellationToken);
        return await runner.ReadAsync(key, cancellationToken) with { Reached = folded };
    }

    /// <summary>Watches a key in the partition that the request names; else in the one that has the key, or in its home when none has.</summary>
    internal IAsyncEnumerable<WatchReply> Watch(Dataset dataset, string key, WatchRequest request, CancellationToken cancellationToken) =>
        request.Partition is null && foreign.MayLieElsewhere(dataset, key)
            ? SeekAndWatchAsync(dataset, key, request, cancellationToken)
            : Watch(dataset, request.Partition ?? dataset.PartitionOf(key), key, request, cancellationToken);

    private async IAsyncEnumerable<WatchReply> SeekAndWatchAsync(Dataset dataset, string key, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var place = await ReadAsync(dataset, key, new(), cancellationToken);
        await foreach (var reply in Watch(dataset, place.Position.Partition, key, request, cancellationToken))
            yield return reply;
    }

    private IAsyncEnumerable<WatchReply> Watch(Dataset dataset, int partition, string key, WatchRequest request, CancellationToken cancellationToken)
    {
        return local.TryGet(dataset.Name, partition, out var runner)
            ? runner.WatchAsync(key, request, cancellationToken)
            : Grain(dataset, partition).Watch(key, request, cancellationToken);
    }

    /// <summary>One page of a dataset's states in key order; a key that stands in two partitions comes once.</summary>
    internal async Task<IReadOnlyList<StateReply>> ListAsync(Dataset dataset, ListRequest request, CancellationToken cancellationToken)
    {
        var pages = await Task.WhenAll(Enumerable.Range(0, dataset.Partitions).Select(partition => AskAsync(
            dataset, partition, runner => runner.ListAsync(request, cancellationToken).AsTask(), grain => grain.List(request, cancellationToken), cancellationToken)));
        var states = pages.SelectMany(page => page);
        // A key among the first is so in each of its partitions, or that partition's page would have as many before it.
        if (dataset.Kind == DatasetKind.Entity)
            states = states.GroupBy(state => state.Key, StringComparer.Ordinal).Select(group => group.MaxBy(state => dataset.PlaceOf(state.Key, state.Position.Partition, state.Timestamp))!);
        return [.. states.OrderBy(state => state.Key, KeyOrder.Instance).Take(request.Limit)];
    }

    /// <summary>What has become of records of one partition that were set aside.</summary>
    internal Task<IReadOnlyList<DeadLetterState>> DeadLettersAsync(Dataset dataset, int partition, IReadOnlyList<long> offsets, CancellationToken cancellationToken) => AskAsync(
        dataset, partition, runner => runner.DeadLettersAsync(offsets, cancellationToken).AsTask(), grain => grain.DeadLetters(offsets, cancellationToken), cancellationToken);

    /// <summary>Waits until a partition has folded an offset; false when the time ran out.</summary>
    internal Task<bool> FoldedAsync(Dataset dataset, int partition, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        RoutedAsync(dataset, partition, offset, new(time, timeout), cancellationToken);

    /// <summary>How each partition of a dataset is doing.</summary>
    internal Task<PartitionStatus[]> StatusAsync(Dataset dataset) => Task.WhenAll(Enumerable.Range(0, dataset.Partitions).Select(async partition =>
    {
        try
        {
            return local.TryGet(dataset.Name, partition, out var runner) ? runner.ToStatus() : await Grain(dataset, partition).GetState().WaitAsync(StatusTimeout, time);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or PartitionUnavailableException)
        {
            return PartitionStatus.Unreachable(dataset.Name, partition, error.Message);
        }
    }));

    /// <summary>Whether positions of this topic mean something to the dataset: its own input log, or a source topic behind it.</summary>
    internal static bool IsBehind(Dataset dataset, string topic) => dataset.Topic == topic || dataset.Sources.Any(source => IsBehind(source, topic));

    /// <summary>
    /// What to wait for in the dataset's own input log, so that a position is folded in; -1 for nothing. For a position of a source topic: all that has become
    /// of that record lies before the end of the input log, once every dataset between has folded and routed it.
    /// </summary>
    private async Task<(long Offset, bool Routed)> OwnOffsetAsync(Dataset dataset, int partition, Position position, Deadline deadline, CancellationToken cancellationToken)
    {
        if (position.Topic == dataset.Topic)
            return (position.Partition == partition ? position.Offset : -1, true);
        foreach (var source in dataset.Sources.Where(source => IsBehind(source, position.Topic)))
        {
            if (!await RoutedAsync(source, position, deadline, cancellationToken))
                return (-1, false);
        }

        return ((await log.OffsetsAsync(dataset.Topic, cancellationToken))[partition].End - 1, true);
    }

    private async Task<bool> RoutedAsync(Dataset dataset, Position position, Deadline deadline, CancellationToken cancellationToken)
    {
        if (dataset.Kind == DatasetKind.Entity)
            return await RoutedAsync(dataset, position.Partition, position.Offset, deadline, cancellationToken);
        for (var partition = 0; partition < dataset.Partitions; partition++)
        {
            var (offset, routed) = await OwnOffsetAsync(dataset, partition, position, deadline, cancellationToken);
            if (!routed || !await RoutedAsync(dataset, partition, offset, deadline, cancellationToken))
                return false;
        }

        return true;
    }

    private Task<bool> RoutedAsync(Dataset dataset, int partition, long offset, Deadline deadline, CancellationToken cancellationToken) => AskAsync(
        dataset, partition, runner => runner.WaitRoutedAsync(offset, deadline.Left, cancellationToken).AsTask(),
        async grain => await grain.WaitRouted(offset, deadline.Left, cancellationToken) >= offset, cancellationToken);

    /// <summary>Asks a partition where it is: directly on this silo, by a call on another; and again where it moves meanwhile.</summary>
    private Task<T> AskAsync<T>(Dataset dataset, int partition, Func<PartitionRunner, Task<T>> here, Func<IPartitionGrain, Task<T>> there, CancellationToken cancellationToken) =>
        time.RetryAsync(() => local.TryGet(dataset.Name, partition, out var runner) ? here(runner) : there(Grain(dataset, partition)), cancellationToken);

    private IPartitionGrain Grain(Dataset dataset, int partition) => grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(dataset, partition));

    /// <summary>What is left of a time limit.</summary>
    private readonly struct Deadline(TimeProvider time, TimeSpan limit)
    {
        private readonly long _start = time.GetTimestamp();

        internal TimeSpan Left => limit - time.GetElapsedTime(_start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
