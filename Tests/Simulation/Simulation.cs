using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Partitions.Running;
using ActorStreams.States;
using ActorStreams.Tests.Simulation.Ports;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// A cluster on one thread: the runner, session and fold that ship, over a log, a store, clocks and a placement that fail on purpose. All
/// that happens is a sequence of events, each of which a random number picks: a step of a silo's code up to its next await, the effect or
/// the answer of a call, a clock that moves, something a client does, a fault. So the same seed is the same run. After the faults have
/// ended, everything has to come to rest, and <see cref="Checks"/> compare it.
/// </summary>
internal sealed class Simulation
{
    /// <summary>Events after which a run that does not come to rest has failed.</summary>
    private const int MaxRestEvents = 150_000;

    /// <summary>Events that a slow call may take.</summary>
    private const int MaxSlowEvents = 300;

    private readonly List<Silo> _silos = [];
    private readonly List<SimCall> _calls = [];
    private readonly List<(string Topic, NewRecord Record)> _records;
    private readonly List<(Dataset Dataset, int Partition)> _partitions = [];
    private readonly Dictionary<(Dataset, int), Silo> _owners = [];
    private readonly List<IClient> _clients = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Action<string>? _write;
    private int _appended;
    private int _outage;
    private ulong _hash = 14_695_981_039_346_656_037;

    internal Simulation(
        Scenario scenario, Topology? topology = null, IEnumerable<(string Topic, NewRecord Record)>? records = null,
        Action<string>? write = null)
    {
        (Scenario, Topology, Random, _write) = (scenario, topology ?? Topologies.Of(scenario.Topology), new(scenario.Seed), write);
        _records = [.. records ?? Records.Of(Topology, new(scenario.Seed), scenario.Records)];
    }

    internal Scenario Scenario { get; }

    internal Topology Topology { get; }

    internal Random Random { get; }

    internal SimLog Log { get; init; } = new();

    internal InMemoryStateStore Store { get; init; } = new();

    internal Poison Poison { get; private set; } = Poison.None;

    /// <summary>The first thing that was wrong; null when nothing was.</summary>
    internal string? Failure { get; private set; }

    internal int Events { get; private set; }

    /// <summary>True until the faults end.</summary>
    internal bool IsChaos { get; private set; }

    /// <summary>A hash of all that happened.</summary>
    internal ulong Hash => _hash;

    internal IReadOnlyList<IClient> Clients => _clients;

    internal IReadOnlyList<(Dataset Dataset, int Partition)> Partitions => _partitions;

    /// <summary>Runs the scenario to its end, or to the first failure.</summary>
    internal void Run()
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Begin();
            IsChaos = true;
            for (var budget = Scenario.Events; budget > 0 && Failure is null; budget--)
                Happen();
            IsChaos = false;
            CrashZombies();
            Rest();
            if (Poison.IsActive && Failure is null)
                Mend();
        }
        finally
        {
            _silos.ForEach(silo => silo.Become(SiloStatus.Crashed));
            Tag.Process = 0;
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    internal void Fail(string failure)
    {
        Trace($"FAILED: {failure}");
        Failure ??= failure;
    }

    internal bool Lies(Sabotage sabotage) => Scenario.Sabotage == sabotage;

    /// <summary>Whether a fault happens now, once in so many times.</summary>
    internal bool Happens(Faults fault, int oneIn)
    {
        if (!IsChaos || !Scenario.Faults.HasFlag(fault))
            return false;
        return _outage > 0 || Random.Next(oneIn) == 0;
    }

    internal void Trace(string what)
    {
        foreach (var letter in what)
            _hash = (_hash ^ letter) * 1_099_511_628_211;
        _write?.Invoke($"{Events} {what}");
    }

    /// <summary>Everything runs on the simulation's thread; else it would not be the same twice.</summary>
    internal void RequireThread(string what)
    {
        if (Environment.CurrentManagedThreadId == _thread)
            return;
        Failure ??= $"{what} on another thread than the simulation's: {Environment.StackTrace}";
        throw new InvalidOperationException(Failure);
    }

    internal void Begin(SimCall call)
    {
        if (IsChaos && Random.Next(12) == 0)
            call.SlowUntil = Events + Random.Next(MaxSlowEvents);
        _calls.Add(call);
    }

    /// <summary>The runner of a partition at its owner; null when it has none now.</summary>
    internal (Silo Silo, PartitionRunner Runner)? OwnerOf(Dataset dataset, int partition)
    {
        if (!_owners.TryGetValue((dataset, partition), out var silo) || silo.Status != SiloStatus.Member)
            return null;
        return silo.Runners.TryGetValue(new(dataset.Name, dataset.Build, partition), out var runner) ? (silo, runner) : null;
    }

    /// <summary>Some runner of a partition that still runs anywhere: mostly its owner's, else an old one.</summary>
    internal (Silo Silo, PartitionRunner Runner)? AnyOf(Dataset dataset, int partition)
    {
        if (!IsChaos || Random.Next(4) > 0)
            return OwnerOf(dataset, partition);
        var id = new PartitionId(dataset.Name, dataset.Build, partition);
        var all = _silos.Where(silo => silo.Status != SiloStatus.Crashed && silo.Runners.ContainsKey(id)).ToList();
        return all.Count == 0 ? null : all[Random.Next(all.Count)] is var silo ? (silo, silo.Runners[id]) : null;
    }

    private void Begin()
    {
        Log.CreateTopics(Topology);
        foreach (var dataset in Topology.Datasets)
            _partitions.AddRange(Enumerable.Range(0, Log.PartitionsOf(dataset.Topic)).Select(partition => (dataset, partition)));
        for (var i = 0; i < Scenario.Silos; i++)
            AddSilo();
        if (Scenario.Faults.HasFlag(Faults.Poison) && Random.Next(3) == 0)
            Poison = RandomPoison();
        for (var i = 0; i < Scenario.Watchers; i++)
            _clients.Add(new SimWatcher(this, Records.AnyKey(this)));
        for (var i = 0; i < Scenario.Readers; i++)
            _clients.Add(new SimReader(this, Records.AnyKey(this)));
        Keep();
    }

    private Poison RandomPoison()
    {
        var (entity, partition) = _partitions.Where(place => place.Dataset.Kind == DatasetKind.Entity).ElementAt(Random.Next(
            _partitions.Count(place => place.Dataset.Kind == DatasetKind.Entity)));
        return new()
        {
            Dataset = entity.Name, Partition = new(entity.Topic, partition), Offset = Random.Next(1 + (Scenario.Records / 3)),
            IsState = Random.Next(2) == 0,
        };
    }

    private void AddSilo() => _silos.Add(new(this, _silos.Count));

    /// <summary>One event.</summary>
    private void Happen()
    {
        Events++;
        _outage = Math.Max(0, _outage - 1);
        var dice = Random.Next(1_000);
        if (dice < 600)
            RunTask();
        else if (dice < 850)
            StepCall(_calls.Count == 0 ? -1 : Random.Next(_calls.Count));
        else if (dice < 890)
            MoveClock(AnySilo(), Random.Next(12) == 0 ? Random.Next(12_000) : Random.Next(60));
        else if (dice < 940)
            Append();
        else if (dice < 965)
            Keep();
        else if (dice < 985 && _clients.Count > 0)
            _clients[Random.Next(_clients.Count)].Act();
        else
            Break();
    }

    private void RunTask()
    {
        var from = Random.Next(_silos.Count);
        for (var i = 0; i < _silos.Count; i++)
        {
            var silo = _silos[(from + i) % _silos.Count];
            if (silo.Status == SiloStatus.Crashed || silo.Scheduler.Count == 0)
                continue;
            Tag.Process = silo.Number;
            // Mostly in their order, as threads do it.
            silo.Scheduler.Run(Random.Next(3) == 0 ? Random.Next(silo.Scheduler.Count) : 0);
            silo.Check();
            return;
        }
    }

    private void StepCall(int index)
    {
        if (index < 0 || !_calls[index].CanStep || (IsChaos && _calls[index].SlowUntil > Events))
            return;
        var call = _calls[index];
        Tag.Process = call.Silo.Number;
        if (call.Step())
            _calls.Remove(call);
        call.Silo.Check();
    }

    private void MoveClock(Silo? silo, int milliseconds)
    {
        if (silo is null)
            return;
        Tag.Process = silo.Number;
        Trace($"clock of silo {silo.Number} moves by {milliseconds} ms");
        silo.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        silo.Check();
    }

    private Silo? AnySilo() => _silos[Random.Next(_silos.Count)] is { Status: not SiloStatus.Crashed } silo ? silo : null;

    private void Append()
    {
        if (_appended == _records.Count)
            return;
        var (topic, record) = _records[_appended++];
        var position = Log.Append(topic, Records.Resolve(this, record, topic));
        Trace($"client appends {position}");
        foreach (var client in _clients)
            client.Appended(position, record);
    }

    /// <summary>Every partition has an owner among the members, and runs there.</summary>
    private void Keep()
    {
        var members = _silos.Where(silo => silo.Status == SiloStatus.Member).ToList();
        for (; members.Count < Scenario.Silos; members.Add(_silos[^1]))
            AddSilo();
        foreach (var place in _partitions)
        {
            if (!_owners.TryGetValue(place, out var owner) || owner.Status != SiloStatus.Member)
                owner = _owners[place] = members[Random.Next(members.Count)];
            Tag.Process = owner.Number;
            owner.Keep(place.Dataset, place.Partition);
        }
    }

    private void Break()
    {
        var silo = _silos[Random.Next(_silos.Count)];
        var fault = (Faults)(1 << Random.Next(Scenario.FaultCount));
        if (!Scenario.Faults.HasFlag(fault))
            return;
        if (fault == Faults.Crashes && silo.Status != SiloStatus.Crashed)
            Crash(silo);
        else if (fault == Faults.Zombies && silo.Status == SiloStatus.Member)
            silo.Become(SiloStatus.Zombie);
        else if (fault == Faults.Moves)
            Move();
        else if (fault == Faults.Retention && Random.Next(2) == 0)
            RemoveOldRecords();
        else if (fault == Faults.Outages && Random.Next(4) == 0)
            _outage = Random.Next(200);
    }

    private void Crash(Silo silo)
    {
        Trace($"silo {silo.Number} crashes");
        silo.Become(SiloStatus.Crashed);
        // What it had under way still comes, or does not.
        _calls.RemoveAll(call => call.Silo == silo && !call.Abandon());
    }

    /// <summary>A partition goes to another silo, whether the one before has ended it or not.</summary>
    private void Move()
    {
        var place = _partitions[Random.Next(_partitions.Count)];
        var members = _silos.Where(silo => silo.Status == SiloStatus.Member).ToList();
        if (OwnerOf(place.Dataset, place.Partition) is not var (silo, runner) || members.Count == 0)
            return;
        Trace($"{runner.Input} moves from silo {silo.Number}");
        silo.Run(async () => await runner.DisposeAsync());
        _owners[place] = members[Random.Next(members.Count)];
    }

    /// <summary>Records below the checkpoint of their one reader are removed from some partition.</summary>
    private void RemoveOldRecords()
    {
        var (dataset, partition) = _partitions[Random.Next(_partitions.Count)];
        var input = new TopicPartition(dataset.Topic, partition);
        var position = Lies(Sabotage.EarlyRetention) ? Log.End(input)
            : SimLog.Now(Store.ReadCheckpointAsync(new(dataset.Name, dataset.Build, partition)))?.Position ?? 0;
        Log.RemoveBefore(input, position);
        Trace($"{input} begins at {Log.Start(input)}");
    }

    private void CrashZombies()
    {
        foreach (var zombie in _silos.Where(silo => silo.Status == SiloStatus.Zombie))
            Crash(zombie);
        _outage = 0;
    }

    /// <summary>Goes on without faults until nothing is left to do.</summary>
    private void Rest()
    {
        while (_appended < _records.Count)
            Append();
        for (var events = 0; Failure is null; events++)
        {
            if (events % 500 == 0)
            {
                Keep();
                if (IsAtRest())
                    return;
                _clients.ForEach(client => client.Act());
            }

            if (events > MaxRestEvents)
                Fail($"It does not come to rest: {Unfinished()}");
            Events++;
            Pass();
        }
    }

    /// <summary>An event without a fault. Where no code can run and no call can end, the clocks move.</summary>
    private void Pass()
    {
        var ready = _calls.FindIndex(Random.Next(_calls.Count + 1) is var from && from < _calls.Count ? from : 0, call => call.CanStep);
        if (ready < 0)
            ready = _calls.FindIndex(call => call.CanStep);
        var canRun = _silos.Exists(silo => silo.Scheduler.Count > 0);
        if (canRun && (ready < 0 || Random.Next(3) > 0))
            RunTask();
        else if (ready >= 0)
            StepCall(ready);
        else
            _silos.Where(silo => silo.Status == SiloStatus.Member).ToList().ForEach(silo => MoveClock(silo, 200));
    }

    /// <summary>While a partition stands before what is refused, those that watch it see no more.</summary>
    private bool IsAtRest() => _partitions.TrueForAll(IsAtRest) && (Poison.IsActive || _clients.TrueForAll(client => client.IsAtRest));

    private bool IsAtRest((Dataset Dataset, int Partition) place)
    {
        if (OwnerOf(place.Dataset, place.Partition) is not var (_, runner) || runner.Session is not { } session)
            return false;
        if (runner.Status == RunnerStatus.Stopped)
            return (Poison.IsActive && Poison.Dataset == place.Dataset.Name) || place.Dataset.BadRecords == BadRecords.Stop;
        var input = new TopicPartition(place.Dataset.Topic, place.Partition);
        return runner.Status == RunnerStatus.Running && session.Fold.NextOffset == Log.End(input) && !session.HasUnstored;
    }

    private string Unfinished()
    {
        var partitions = _partitions.Where(place => !IsAtRest(place)).Select(Describe);
        return string.Join("; ", partitions.Concat(_clients.Where(client => !client.IsAtRest).Select(client => client.ToString()!)));
    }

    private string Describe((Dataset Dataset, int Partition) place) => OwnerOf(place.Dataset, place.Partition) is var (silo, runner)
        ? $"{runner.Input} on silo {silo.Number} is {runner.Status} at {runner.Session?.Fold.NextOffset} ({runner.Reason})"
        : $"{place} has no owner";

    /// <summary>What was refused for good is taken now, and the silos are started again.</summary>
    private void Mend()
    {
        Poison.IsMended = true;
        foreach (var silo in _silos.Where(silo => silo.Status == SiloStatus.Member).ToList())
            Crash(silo);
        Rest();
    }
}
