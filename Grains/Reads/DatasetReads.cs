using System.Runtime.CompilerServices;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// The one way out: reads, lists and watches of datasets, wherever their partitions are. A read may wait for positions first
/// (<see cref="LineageWait"/>). Where the keys of an entity may lie outside their home partition, they are looked up in all of them.
/// </summary>
public sealed class DatasetReads
{
    /// <summary>Partitions that one read queries at once if its key may lie in any.</summary>
    private const int MaxAskedAtOnce = 32;

    /// <summary>How long a reader is sent from one build to another, and how long it waits in between.</summary>
    private static readonly TimeSpan MaxMove = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MoveRetry = TimeSpan.FromMilliseconds(5);

    private readonly Topology _topology;
    private readonly LiveBuilds _builds;
    private readonly Ownership _ownership;
    private readonly MisplacedKeys _misplaced;
    private readonly PartitionCalls _partitions;
    private readonly LineageWait _waits;
    private readonly TimeProvider _time;

    internal DatasetReads(
        Topology topology, LiveBuilds builds, IChangeLog log, Ownership ownership, MisplacedKeys misplaced, PartitionCalls partitions,
        TimeProvider time)
    {
        (_topology, _builds, _ownership, _misplaced, _partitions, _time) = (topology, builds, ownership, misplaced, partitions, time);
        _waits = new(log, partitions.RoutedAsync);
    }

    /// <summary>How each partition of a dataset is doing.</summary>
    public Task<PartitionStatus[]> StatusAsync(Dataset dataset) =>
        Task.WhenAll(Enumerable.Range(0, dataset.Partitions).Select(partition => _partitions.StatusAsync(dataset, partition)));

    /// <summary>One page of a dataset's states in key order; a key in two partitions is listed once.</summary>
    public Task<IReadOnlyList<StateReply>> ListAsync(Dataset dataset, ListRequest request, CancellationToken cancellationToken) =>
        ServedAsync(dataset, served => ListBuildAsync(served, request, cancellationToken), cancellationToken);

    private async Task<IReadOnlyList<StateReply>> ListBuildAsync(Dataset dataset, ListRequest request, CancellationToken cancellationToken)
    {
        var pages = await Task.WhenAll(
            Enumerable.Range(0, dataset.Partitions)
                .Select(partition => _partitions.ListAsync(dataset, partition, request, cancellationToken)));
        var states = pages.SelectMany(page => page);
        // A key among the first is so in each of its partitions, or that partition's page would have as many before it.
        if (dataset.Kind == DatasetKind.Entity)
        {
            states = states.GroupBy(state => state.Key, StringComparer.Ordinal)
                .Select(group => group.MaxBy(state => dataset.PlaceOf(state.Key, state.Position.Partition, state.Timestamp))!);
        }

        return [.. states.OrderBy(state => state.Key, KeyOrder.Instance).Take(request.Limit)];
    }

    /// <summary>
    /// Sets aside the record before which a partition has stopped, and lets it continue. Done when a checkpoint with it is written.
    /// </summary>
    /// <exception cref="RequestRefusedException">The partition stands elsewhere (409), or the time ran out (503).</exception>
    public Task SetAsideAsync(Dataset dataset, int partition, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        _partitions.SetAsideAsync(dataset, partition, offset, timeout, cancellationToken);

    /// <summary>What is wrong with a position that a read is to wait for; null when nothing is.</summary>
    public string? FaultOf(Dataset dataset, Position position)
    {
        dataset = Served(dataset);
        if (IsOfFormerBuild(dataset, position.Topic))
            return null;
        if (!LineageWait.IsBehind(dataset, position.Topic))
            return $"Nothing of topic '{position.Topic}' flows into the {dataset}. Its input log is '{dataset.Topic}'.";
        var partitions = LineageWait.Closure(dataset).First(one => one.Topic == position.Topic).Partitions;
        return position.Partition < partitions ? null
            : $"Topic '{position.Topic}' has {partitions} partitions, numbered from 0: there is no partition {position.Partition}.";
    }

    /// <summary>What is wrong with the partition in which a watch of a key is to be resumed; null when nothing is.</summary>
    public string? FaultOf(Dataset dataset, string key, WatchRequest request) =>
        Since(dataset = Served(dataset), request).Partition is not { } partition ? null
        : partition >= dataset.Partitions
            ? $"The watch is to be resumed after {partition}:{request.SinceOffset}, but '{dataset.Topic}' has "
                + $"{dataset.Partitions} partitions, numbered from 0."
        : partition != dataset.PartitionOf(key) && !_misplaced.MayLieElsewhere(dataset, key)
            ? $"The watch is to be resumed after {partition}:{request.SinceOffset}, but the key '{key}' lies in partition "
                + $"{dataset.PartitionOf(key)} of '{dataset.Topic}'."
        : null;

    /// <summary>Whether a key's actor has its place on this silo.</summary>
    internal bool IsHere(Dataset dataset, string key) => _ownership.Version == 0 || _ownership.IsMine(dataset, dataset.PartitionOf(key));

    /// <summary>The dataset and key that a state grain's address <c>dataset/key</c> names.</summary>
    /// <exception cref="ArgumentException">There is no such dataset of this kind.</exception>
    internal (Dataset Dataset, string Key) Parse(string address, DatasetKind kind)
    {
        var slash = address.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && _topology.TryGet(address[..slash], out var dataset) && dataset.Kind == kind)
            return (dataset, address[(slash + 1)..]);
        throw new ArgumentException(
            $"'{address}' names no {kind.ToString().ToLowerInvariant()}. A state grain is addressed as dataset/key, "
            + "with a dataset of this topology.", nameof(address));
    }

    /// <summary>A key's state, once the positions asked for are folded in or the time has run out.</summary>
    internal Task<StateReply> ReadAsync(Dataset dataset, string key, ReadRequest request, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(_time, TimeSpan.FromSeconds(request.TimeoutSeconds));
        return ServedAsync(dataset, served => ReadAsync(served, key, request.Positions, deadline, cancellationToken), cancellationToken);
    }

    private async Task<StateReply> ReadAsync(
        Dataset dataset, string key, IReadOnlyList<Position> asked, Deadline deadline, CancellationToken cancellationToken)
    {
        // Readers were moved when the build reflected all that those before had shown.
        var positions = asked.Where(position => !IsOfFormerBuild(dataset, position.Topic)).ToList();
        var offsets = positions.Count == 0
            ? new Dictionary<int, long>()
            : await _waits.RunAsync(dataset, positions, deadline, cancellationToken);
        Task<StateReply> ReadOne(int partition) =>
            _partitions.ReadAsync(dataset, partition, key, offsets?.GetValueOrDefault(partition, -1) ?? -1, deadline, cancellationToken);
        var reply = await ReadAsync(dataset, key, positions, ReadOne);
        return reply with { Reached = offsets is not null && reply.Reached };
    }

    /// <summary>
    /// Watches a key in the partition that the request names; else in the one that has the key, or in its home when none has.
    /// </summary>
    internal async IAsyncEnumerable<WatchReply> Watch(
        Dataset dataset, string key, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<WatchReply>? watch = null;
        try
        {
            // The first reply says which build is watched.
            var begun = await ServedAsync(
                dataset,
                async served =>
                {
                    watch = WatchBuild(served, key, Since(served, request), cancellationToken).GetAsyncEnumerator(cancellationToken);
                    return await watch.MoveNextAsync();
                },
                cancellationToken);
            for (var isNext = begun; isNext; isNext = await watch!.MoveNextAsync())
                yield return watch!.Current;
        }
        finally
        {
            if (watch is not null)
                await watch.DisposeAsync();
        }
    }

    /// <summary>
    /// A position of another build says nothing of this one: the watch begins with the state. Positions that name none are of the first.
    /// </summary>
    private static WatchRequest Since(Dataset dataset, WatchRequest request) =>
        request.SinceOffset is null || request.Build == dataset.Build
            || (request.Build == 0 && (dataset.Build == 1 || dataset.IsBeforeEdges))
            ? request : new();

    private IAsyncEnumerable<WatchReply> WatchBuild(
        Dataset dataset, string key, WatchRequest request, CancellationToken cancellationToken) =>
        request.Partition is null && _misplaced.MayLieElsewhere(dataset, key)
            ? SeekAndWatchAsync(dataset, key, request, cancellationToken)
            : _partitions.Watch(dataset, request.Partition ?? dataset.PartitionOf(key), key, request, cancellationToken);

    /// <summary>What has become of records of one partition that were set aside.</summary>
    internal Task<IReadOnlyList<DeadLetterState>> DeadLettersAsync(
        Dataset dataset, int partition, IReadOnlyList<long> offsets, CancellationToken cancellationToken) =>
        _partitions.DeadLettersAsync(dataset, partition, offsets, cancellationToken);

    /// <summary>Waits until a partition has folded an offset and its changes are durable; false when the time ran out.</summary>
    internal Task<bool> RoutedAsync(Dataset dataset, int partition, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        _partitions.RoutedAsync(dataset, partition, offset, new(_time, timeout), cancellationToken);

    /// <summary>The build of a dataset that readers get now.</summary>
    internal Dataset Served(Dataset dataset) => _topology.TryGet(dataset.Name, out var served) ? served : dataset;

    /// <summary>Asks the build that readers get; again where they have been moved to another meanwhile.</summary>
    private async Task<T> ServedAsync<T>(Dataset dataset, Func<Dataset, Task<T>> ask, CancellationToken cancellationToken)
    {
        for (var begin = _time.GetTimestamp(); ;)
        {
            try
            {
                return await ask(Served(dataset));
            }
            catch (BuildSupersededException) when (_time.GetElapsedTime(begin) < MaxMove)
            {
                await _builds.FollowAsync(cancellationToken);
                await Task.Delay(MoveRetry, _time, cancellationToken);
            }
        }
    }

    /// <summary>Whether a topic is the input log of another build of a dataset, or of what feeds it.</summary>
    private bool IsOfFormerBuild(Dataset dataset, string topic) => !LineageWait.IsBehind(dataset, topic)
        && _builds.Catalog.Builds.Any(build => build.Topic == topic && build.Kind == DatasetKind.View && Feeds(dataset, build.Dataset));

    private static bool Feeds(Dataset dataset, string name) => dataset.Name == name || dataset.Sources.Any(source => Feeds(source, name));

    /// <summary>The key's state in its home; or, where it may lie elsewhere, among those of all partitions.</summary>
    private async Task<StateReply> ReadAsync(
        Dataset dataset, string key, IReadOnlyList<Position> positions, Func<int, Task<StateReply>> readOne)
    {
        var home = dataset.PartitionOf(key);
        var reply = await readOne(home);
        // An entity's position names a partition: a client that has it has read a state there, so that partition must answer.
        var named = dataset.Kind == DatasetKind.View ? home
            : positions.Where(position => position.Topic == dataset.Topic).Select(position => (int?)position.Partition).FirstOrDefault()
                ?? home;
        if (named == home && reply.State is not null && dataset.HasHome(key))
            return reply;
        var elsewhere = _misplaced.MayLieElsewhere(dataset, key);
        if (named == home && !elsewhere)
            return reply;
        IEnumerable<int> others = elsewhere ? Enumerable.Range(0, dataset.Partitions).Where(partition => partition != home) : [named];
        List<StateReply> replies = [reply];
        foreach (var some in others.Chunk(MaxAskedAtOnce))
            replies.AddRange(await Task.WhenAll(some.Select(readOne)));
        var found = replies.Where(one => one.State is not null).MaxBy(one => dataset.PlaceOf(key, one.Position.Partition, one.Timestamp));
        return (found ?? replies.First(one => one.Position.Partition == named)) with { Reached = replies.All(one => one.Reached) };
    }

    private async IAsyncEnumerable<WatchReply> SeekAndWatchAsync(
        Dataset dataset, string key, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var place = await ReadAsync(dataset, key, [], new(_time, MaxMove), cancellationToken);
        await foreach (var reply in _partitions.Watch(dataset, place.Position.Partition, key, request, cancellationToken))
            yield return reply;
    }
}
