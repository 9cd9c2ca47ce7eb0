using System.Text;
using ActorStreams.Batch;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Tests.Simulation.Ports;

namespace ActorStreams.Tests.Simulation;

/// <summary>What holds once a simulation has come to rest.</summary>
internal static class Checks
{
    /// <summary>The first thing that is wrong; null when nothing is.</summary>
    internal static async Task<string?> FaultAsync(Simulation simulation)
    {
        var batch = await new BatchRunner(simulation.Topology, simulation.Log.Storage).RunAsync();
        var clients = simulation.Clients.SelectMany(client => client switch
        {
            SimWatcher watcher => WatcherFaults(simulation, watcher),
            SimReader reader => ReaderFaults(simulation, reader),
            _ => [],
        });
        return Differences(simulation, batch).Concat(LetterFaults(simulation, batch)).Concat(clients).FirstOrDefault()
            ?? FragileFault(simulation, batch);
    }

    /// <summary>
    /// What a view holds whose fold throws at some sources is the fold of the others, by a model that knows nothing of the fold.
    /// </summary>
    private static string? FragileFault(Simulation simulation, BatchResult batch)
    {
        if (simulation.Topology.Datasets.All(dataset => dataset.StateType != typeof(Fragile)))
            return null;
        var expected = batch.States<Item>().Values.Where(item => !Fragile.IsPoison(item)).GroupBy(item => $"f{item.Value % 2}")
            .ToDictionary(
                group => group.Key,
                group => new Fragile(
                    group.Count(), group.Sum(item => (long)item.Value), group.Max(item => item.Value),
                    group.Select(item => item.Value % 5).Distinct().Count()));
        var states = batch.States<Fragile>();
        return states.Count == expected.Count && states.All(state => expected[state.Key] == state.Value)
            ? null : $"{string.Join(", ", states)} instead of {string.Join(", ", expected)}";
    }

    /// <summary>Where the stored states differ from those of a batch.</summary>
    internal static IEnumerable<string> Differences(Simulation simulation, BatchResult batch)
    {
        foreach (var dataset in simulation.Topology.Datasets)
        {
            var live = string.Join('\n', States(simulation, dataset).Select(state => $"{state.Key} {state.Value}"));
            var expected = string.Join('\n', batch.Json(dataset.Name).Select(state => $"{state.Key} {Text(state.Value)}"));
            if (live != expected)
                yield return $"{dataset} of {dataset.StateType}\nlive:\n{live}\nbatch:\n{expected}";
        }

        foreach (var (dataset, partition) in simulation.Partitions)
        {
            var id = new PartitionId(dataset.Name, dataset.Build, partition);
            var (stored, counted) = (Stored(simulation, id).Count, SimLog.Now(simulation.Store.ReadCheckpointAsync(id))?.States ?? 0);
            if (stored != counted)
                yield return $"{id} has {stored} states, but counts {counted}.";
        }
    }

    /// <summary>What the store has of a dataset: the states of all its partitions.</summary>
    internal static SortedDictionary<string, string> States(Simulation simulation, Dataset dataset)
    {
        var states = new SortedDictionary<string, string>(KeyOrder.Instance);
        var places = new Dictionary<string, (bool, long, int)>();
        var partitions = simulation.Log.PartitionsOf(dataset.Topic);
        for (var partition = 0; partition < partitions; partition++)
        {
            foreach (var state in Stored(simulation, new(dataset.Name, dataset.Build, partition)))
            {
                var place = dataset.PlaceOf(state.Key, partition, state.Timestamp, partitions);
                if (places.TryGetValue(state.Key, out var other) && other.CompareTo(place) > 0)
                    continue;
                places[state.Key] = place;
                states[state.Key] = Encoding.UTF8.GetString(state.State.Span);
            }
        }

        return states;
    }

    /// <summary>Whether a key has no change after a position.</summary>
    internal static bool IsLast(Simulation simulation, ClientKey key, ChangePosition position) =>
        History(simulation, key) is not [.., var last] || last.Position <= position;

    /// <summary>All changes of a key, folded from its input log in the plainest way.</summary>
    private static List<WatchedChange> History(Simulation simulation, ClientKey key) => Fold(simulation, key, long.MaxValue).Changes;

    /// <summary>The states of a key's partition after the record at an offset, in key order.</summary>
    private static IEnumerable<StateRow> StatesAt(Simulation simulation, ClientKey key, long offset) =>
        Fold(simulation, key, offset + 1).Fold.All().OrderBy(row => row.Key, KeyOrder.Instance);

    private static (PartitionFold Fold, List<WatchedChange> Changes) Fold(Simulation simulation, ClientKey key, long toOffset)
    {
        Tag.Process = 0;
        var input = new TopicPartition(key.Dataset.Topic, key.Partition);
        var fold = key.Dataset.CreateFold(key.Partition, FoldOptions.InMemory);
        fold.Restore(null);
        fold.WatchedKeys.Add(key.Key);
        if (simulation.Log.End(input) == 0 || toOffset == 0)
            return (fold, []);
        var batch = simulation.Log.Read(input, 0, new(int.MaxValue, int.MaxValue)).Before(toOffset);
        return (fold, SimLog.Now(fold.FoldAsync(batch, store: null)).Watched);
    }

    private static IReadOnlyList<StoredState> Stored(Simulation simulation, PartitionId partition) =>
        SimLog.Now(simulation.Store.ScanAsync(partition, "", null, int.MaxValue));

    /// <summary>
    /// A watcher gets the state, then each change once, each of which begins where the one before ended, up to the last.
    /// </summary>
    private static IEnumerable<string> WatcherFaults(Simulation simulation, SimWatcher watcher)
    {
        var history = History(simulation, watcher.Key);
        var (next, state) = (0, default(string));
        foreach (var item in watcher.Items)
        {
            if (item.State is { } read)
            {
                next = history.FindLastIndex(change => change.Position.Offset <= read.Offset) + 1;
                state = next == 0 ? null : Text(history[next - 1].After);
                if (Text(read.State) != state)
                    yield return $"{watcher} began with {Text(read.State)} at {read.Offset}, where the state is {state}.";
                continue;
            }

            var change = item.Change!;
            var (got, due) = (Text(change), next == history.Count ? "nothing" : Text(history[next]));
            if (got != due)
                yield return $"{watcher} got {got}, but due was {due}.";
            if (Text(change.Before) != state)
                yield return $"{watcher} got {got}, but had {state}.";
            (next, state) = (next + 1, Text(change.After));
        }

        if (next != history.Count)
            yield return $"{watcher} has seen {next} of {history.Count} changes.";
    }

    /// <summary>
    /// An answer is the state at its position, and what a source said to have routed lies before the end that was read.
    /// </summary>
    private static IEnumerable<string> ReaderFaults(Simulation simulation, SimReader reader)
    {
        var history = History(simulation, reader.Key);
        foreach (var answer in reader.Answers)
        {
            var state = Text(history.FindLast(change => change.Position.Offset <= answer.Offset)?.After);
            if (Text(answer.State) != state)
                yield return $"{reader} was answered {Text(answer.State)} at {answer.Offset}, where the state is {state}.";
        }

        foreach (var (after, limit, rows) in reader.Pages.Where(page => page.Rows.Count > 0))
        {
            var states = StatesAt(simulation, reader.Key, rows[0].Offset);
            var (got, due) = (
                string.Join('\n', rows.Select(row => $"{row.Key} {Text(row.State)}")),
                string.Join('\n', states.Where(state => after is null || KeyOrder.Instance.Compare(state.Key, after) > 0).Take(limit)
                    .Select(state => $"{state.Key} {Text(state.State)}")));
            if (got != due)
                yield return $"{reader} has listed {limit} after {after} at {rows[0].Offset}\n{got}\nwhere there are\n{due}";
        }

        foreach (var (record, answered) in reader.ReadAfter)
        {
            if (LateChange(simulation, reader.Key, record, answered) is { } offset)
                yield return $"{reader} was answered at {answered} after {record}, but a change of it was folded at {offset} alone.";
        }

        foreach (var (record, by) in reader.Routed)
        {
            if (LateRoute(simulation, reader.Key, record, by) is { } offset)
                yield return $"{reader}: {record} was routed when the input ended at {by}, but a change of it lies at {offset} alone.";
        }
    }

    /// <summary>Where the first copy of a route of a record stands, if that is not before an offset.</summary>
    private static long? LateRoute(Simulation simulation, ClientKey view, Position origin, long by)
    {
        var source = view.Dataset.Sources.First(source => source.Topic == origin.Topic).Name;
        return FirstRoutes(simulation, view).Where(route => route.Source == source && route.SourcePartition == origin.Partition
            && route.OriginOffset == origin.Offset && route.Offset >= by).Select(route => (long?)route.Offset).FirstOrDefault();
    }

    /// <summary>Where a change that a record of a source topic made was first routed to the key's partition, if after an offset.</summary>
    private static long? LateChange(Simulation simulation, ClientKey key, Position record, long offset)
    {
        if (key.Dataset.Topic == record.Topic)
            return key.Partition == record.Partition && record.Offset > offset ? record.Offset : null;
        return FirstRoutes(simulation, key).Where(route => route.Root == record && route.Offset > offset)
            .Select(route => (long?)route.Offset).FirstOrDefault();
    }

    /// <summary>The first copy of each route in the input log of a view's partition, with where it stands there.</summary>
    private static IEnumerable<FirstRoute> FirstRoutes(Simulation simulation, ClientKey view)
    {
        var seen = new HashSet<(string, int, long, long)>();
        var routes = new List<FirstRoute>();
        foreach (var record in simulation.Log.All(new(view.Dataset.Topic, view.Partition)))
        {
            var frame = new FrameReader(record.Value!.Value);
            var name = frame.Source;
            var topic = view.Dataset.Sources.First(source => source.Name == name).Topic;
            while (frame.NextChange())
            {
                var root = frame.Root ?? new(topic, frame.SourcePartition, frame.Offset);
                while (frame.NextRoute(out _, out var index, out _))
                {
                    if (seen.Add((frame.Source, frame.SourcePartition, frame.Offset, index)))
                        routes.Add(new(record.Offset, frame.Source, frame.SourcePartition, frame.Offset, root));
                }
            }
        }

        return routes;
    }

    /// <summary>
    /// Every record that a batch sets aside is a dead letter, and nothing else is. Those of a view have other positions in a batch, and
    /// where it is folded from views, other changes: of those of entities the number is compared.
    /// </summary>
    private static IEnumerable<string> LetterFaults(Simulation simulation, BatchResult batch)
    {
        var letters = simulation.Log.All(new(simulation.Topology.DeadLetterTopic, 0))
            .Select(record => DeadLetterFormat.Read(record, withOriginal: false)!).DistinctBy(letter => letter.Id).ToList();
        var entities = simulation.Topology.SourceTopics.ToHashSet();
        var expected = Lines(batch.DeadLetters.Where(letter => entities.Contains(letter.Split(" at ")[1].Split('/')[0])));
        var live = Lines(letters.Where(letter => entities.Contains(letter.Id.Position.Topic))
            .Select(letter => $"{letter.Id.Dataset} at {letter.Id.Position}: {letter.Reason}"));
        if (live != expected)
            yield return $"dead letters\nlive:\n{live}\nbatch:\n{expected}";
        foreach (var view in simulation.Topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View))
        {
            var found = letters.Count(letter => letter.Id.Position.Topic == view.Topic);
            var count = batch.DeadLetters.Count(letter => letter.Contains($" at {view.Topic}/"));
            if (found != count && view.Sources.All(source => source.Kind == DatasetKind.Entity))
                yield return $"{view} has {found} dead letters, in a batch {count}.";
        }
    }

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines.Order(StringComparer.Ordinal));

    private static string Text(WatchedChange change) => $"{change.Position} from {Text(change.Before)} to {Text(change.After)}";

    private static string? Text(byte[]? state) => state is null ? null : Encoding.UTF8.GetString(state);

    /// <summary>A route as it first stands in an input log.</summary>
    private readonly record struct FirstRoute(long Offset, string Source, int SourcePartition, long OriginOffset, Position Root);
}
