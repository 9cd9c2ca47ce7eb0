using ActorStreams.MockKafka;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ActorStreams.Tests.Kafka.Brokers;

/// <summary>How brokers fail.</summary>
internal enum Failing
{
    /// <summary>Their processes are killed and started again.</summary>
    Killed,

    /// <summary>Their connections are cut and refused, while they live.</summary>
    CutOff,
}

/// <summary>
/// Real brokers (KRaft) on loopback, from the <c>libs</c> of the Kafka distribution that the environment variable <c>KAFKA_HOME</c>
/// names. They begin empty and leave nothing.
/// A broker starts in about 4 s and takes 300 MiB: tests share those of <see cref="SharedAsync"/>, except those in which brokers fail.
/// </summary>
internal sealed class RealKafka : ITestBrokers
{
    private const int ControllerId = 100;
    private const string Missing =
        "KAFKA_HOME does not name a Kafka distribution (a folder with 'libs'). Set it, and install Java 17 or newer.";

    private static readonly Lazy<Task<RealKafka>> One = new(() => StartNewAsync(1, secured: true));
    private static readonly Lazy<Task<RealKafka>> Three = new(() => StartNewAsync(3));

    private readonly string _directory = Directory.CreateTempSubdirectory("actorstreams-kafka-").FullName;
    private readonly List<KafkaNode> _brokers = [];
    private readonly List<KafkaProxy> _proxies = [];
    private readonly Failing _failing;
    private KafkaNode? _controller;
    private IAdminClient? _admin;

    /// <summary>Whether there is a Kafka distribution. A fixture must not fail where there is none: its tests are to be skipped.</summary>
    public static bool IsAvailable => Home is not null && Directory.Exists(Path.Combine(Home, "libs"));

    private static string? Home => Environment.GetEnvironmentVariable("KAFKA_HOME");

    private RealKafka(Failing failing) => _failing = failing;

    public string BootstrapServers =>
        Servers(_failing == Failing.CutOff ? _proxies.Select(proxy => proxy.Port) : _brokers.Select(broker => broker.ClientPort));

    /// <summary>Whether single requests can be dropped and answers delayed.</summary>
    public bool CanDrop => _failing == Failing.CutOff;

    /// <summary>The brokers' listeners with passwords and with certificates, where they were started with them.</summary>
    public KafkaSecurity? Security { get; private set; }

    /// <summary>A client that may do everything.</summary>
    public IAdminClient Admin => _admin!;

    /// <summary>The one or three brokers that all tests share which do not stop them. They end with the test process.</summary>
    public static Task<RealKafka> SharedAsync(int brokers) => brokers == 1 ? One.Value : Three.Value;

    /// <summary>New brokers, for tests in which they fail.</summary>
    /// <param name="brokers">How many, beside a controller where there are several.</param>
    /// <param name="failing">What <see cref="DownAsync"/> does.</param>
    /// <param name="secured">Whether they check who a client is, on listeners of their own.</param>
    /// <param name="settings">Further settings of the brokers, <c>name=value</c>.</param>
    public static async Task<RealKafka> StartNewAsync(
        int brokers, Failing failing = Failing.Killed, bool secured = false, params string[] settings)
    {
        Require();
        var cluster = new RealKafka(failing);
        try
        {
            await cluster.StartAsync(Home!, brokers, secured, settings);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }

        return cluster;
    }

    /// <summary>Skips the test where no brokers can be started; in the gate it fails.</summary>
    public static void Require()
    {
        Needed.That(IsAvailable, Missing);
        Needed.Program("java", "Install Java 17 or newer.");
    }

    public async Task CreateTopicAsync(string topic, int partitions, int replication = 1)
    {
        var replicas = (short)Math.Min(replication, _brokers.Count);
        // Tests stamp records as early as they like, and brokers begin to delete what is too old half a minute after their start.
        var configs = new Dictionary<string, string> { ["retention.ms"] = "-1" };
        await Admin.CreateTopicsAsync(
            [new() { Name = topic, NumPartitions = partitions, ReplicationFactor = replicas, Configs = configs }]);
        await UntilLedAsync(topic, partitions);
    }

    public Task DeleteTopicAsync(string topic) => Admin.DeleteTopicsAsync([topic]);

    public Task DeleteRecordsAsync(string topic, int partition, long before) => Admin.DeleteRecordsAsync([new(topic, partition, before)]);

    /// <summary>Sets one setting of a topic.</summary>
    public Task ConfigureTopicAsync(string topic, string name, string value) => Admin.IncrementalAlterConfigsAsync(new()
    {
        [new() { Type = ResourceType.Topic, Name = topic }] =
            [new() { Name = name, Value = value, IncrementalOperation = AlterConfigOpType.Set }],
    });

    public async Task SetLeaderAsync(string topic, int partition, int broker)
    {
        var described = (await Admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]))).TopicDescriptions[0];
        var replicas = described.Partitions[partition].Replicas.ConvertAll(replica => replica.Id);
        int[] wanted = [broker, .. replicas.Where(id => id != broker).Take(replicas.Count - 1)];
        await Reassignment.RequestAsync(_brokers.First(node => node.Runs).InternalPort, topic, partition, wanted);
        try
        {
            await Admin.ElectLeadersAsync(ElectionType.Preferred, [new(topic, partition)]);
        }
        catch (ElectLeadersException error) when (
            error.Results.TopicPartitions.TrueForAll(found => found.Error.Code == Confluent.Kafka.ErrorCode.ElectionNotNeeded))
        {
            // It leads already.
        }
    }

    public async Task DownAsync(int broker = -1)
    {
        foreach (var index in Chosen(broker))
            await (_failing == Failing.CutOff ? _proxies[index].DownAsync() : _brokers[index].SignalAsync("KILL"));
    }

    public async Task UpAsync(int broker = -1)
    {
        foreach (var index in Chosen(broker))
        {
            if (_failing == Failing.CutOff)
                _proxies[index].Up();
            else
                await _brokers[index].StartAsync();
        }

        foreach (var index in Chosen(broker))
            await _brokers[index].ListensAsync(_brokers[index].ClientPort);
    }

    /// <summary>
    /// Sends a signal to a broker: <c>TERM</c> is a controlled shutdown, <c>STOP</c> freezes it, and <c>CONT</c> lets it go on.
    /// </summary>
    public async Task SignalAsync(int broker, string signal)
    {
        foreach (var index in Chosen(broker))
            await _brokers[index].SignalAsync(signal);
    }

    public Task SetRoundTripAsync(int milliseconds, int broker = -1)
    {
        foreach (var index in Chosen(broker).Where(index => index < _proxies.Count))
            _proxies[index].DelayMilliseconds = milliseconds;
        return Task.CompletedTask;
    }

    public Task PushErrorsAsync(int requestType, params IEnumerable<int> errors)
    {
        var drops = errors.Select(error => error != 0).ToList();
        foreach (var proxy in _proxies)
            proxy.Drop(requestType, drops);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        foreach (var node in _brokers.Append(_controller).OfType<KafkaNode>())
            await node.DisposeAsync();
        Security?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Servers(IEnumerable<int> ports) => string.Join(',', ports.Select(port => $"127.0.0.1:{port}"));

    private IEnumerable<int> Chosen(int broker) =>
        Enumerable.Range(0, _brokers.Count).Where(index => broker < 0 || _brokers[index].Id == broker);

    private async Task StartAsync(string home, int count, bool secured, string[] more)
    {
        _brokers.AddRange(Enumerable.Range(1, count).Select(id => new KafkaNode(home, id, Path.Combine(_directory, $"{id}"))));
        _controller = count > 1 ? new(home, ControllerId, Path.Combine(_directory, "controller")) : null;
        if (_failing == Failing.CutOff)
            _proxies.AddRange(_brokers.Select(broker => new KafkaProxy(Ports.Free(), broker.ClientPort)));
        Security = secured ? new(Ports.Free(), Ports.Free()) : null;
        var (cluster, controllerPort) = (KafkaNode.NewId(), Ports.Free());
        await Task.WhenAll(_brokers.Append(_controller).OfType<KafkaNode>().Select(async node =>
        {
            await node.FormatAsync(cluster, [.. Settings(node, controllerPort), .. more]);
            await node.StartAsync();
        }));
        foreach (var broker in _brokers)
            await broker.ListensAsync(broker.ClientPort);
        foreach (var proxy in _proxies)
            proxy.Up();
        var internals = Servers(_brokers.Select(broker => broker.InternalPort));
        _admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = internals }).SetLogHandler((_, _) => { }).Build();
        while (_admin.GetMetadata(TimeSpan.FromSeconds(30)).Brokers.Count < count)
            await Task.Delay(50);
    }

    private IEnumerable<string> Settings(KafkaNode node, int controllerPort)
    {
        var (serves, controls) = (node != _controller, _controller is null || node == _controller);
        List<(string Name, string Protocol, int Port, int Advertised)> listeners = [];
        if (serves)
        {
            listeners.Add(("INTERNAL", "PLAINTEXT", node.InternalPort, node.InternalPort));
            var advertisedPort = _failing == Failing.CutOff ? _proxies[_brokers.IndexOf(node)].Port : node.ClientPort;
            listeners.Add(("CLIENT", "PLAINTEXT", node.ClientPort, advertisedPort));
            listeners.AddRange(Security?.Listeners ?? []);
        }

        var advertised = string.Join(',', listeners.Select(listener => $"{listener.Name}://127.0.0.1:{listener.Advertised}"));
        var protocols = string.Join(
            ',', listeners.Select(listener => $"{listener.Name}:{listener.Protocol}").Append("CONTROLLER:PLAINTEXT"));
        if (controls)
            listeners.Add(("CONTROLLER", "PLAINTEXT", controllerPort, controllerPort));
        var replicas = Math.Min(3, _brokers.Count);
        return
        [
            "process.roles=" + string.Join(
                ',', new[] { serves ? "broker" : "", controls ? "controller" : "" }.Where(role => role.Length > 0)),
            $"controller.quorum.voters={(_controller ?? node).Id}@127.0.0.1:{controllerPort}",
            "controller.listener.names=CONTROLLER",
            "listeners=" + string.Join(',', listeners.Select(listener => $"{listener.Name}://127.0.0.1:{listener.Port}")),
            .. serves ? [$"advertised.listeners={advertised}", "inter.broker.listener.name=INTERNAL"] : Array.Empty<string>(),
            $"listener.security.protocol.map={(serves ? protocols : "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT")}",
            $"offsets.topic.replication.factor={replicas}", "offsets.topic.num.partitions=4",
            $"transaction.state.log.replication.factor={replicas}", $"transaction.state.log.min.isr={Math.Min(2, replicas)}",
            "transaction.state.log.num.partitions=4",
            "group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false", "broker.session.timeout.ms=6000",
            .. Security?.Settings ?? [],
        ];
    }

    private async Task UntilLedAsync(string topic, int partitions)
    {
        while (true)
        {
            var found = Admin.GetMetadata(topic, TimeSpan.FromSeconds(30)).Topics[0].Partitions;
            if (found.Count == partitions && found.TrueForAll(partition => partition.Leader >= 0))
                return;
            await Task.Delay(20);
        }
    }
}
