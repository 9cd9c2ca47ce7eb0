using System.Text.RegularExpressions;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// What each kind of client is made with: our own settings, the user's, and secrets out of files. Checked as a whole before
/// anything is opened.
/// </summary>
internal sealed class ClientSettings
{
    /// <summary>The group of consumers that never join nor commit: librdkafka wants one to be named.</summary>
    private const string Group = "actorstreams-readers";

    /// <summary>What a batch has beside its records, so that a record of the largest size fits in one.</summary>
    private const int BatchOverheadBytes = 40_000;

    private const string UserName = "sasl.username";
    private const string UserPassword = "sasl.password";
    private const int LargestLibrarySize = 1_000_000_000;

    /// <summary>The default of <c>batch.size</c>.</summary>
    private const int LibraryBatchBytes = 1_000_000;

    /// <summary>A shorter secret is hidden only where a value stands: it would be found in ordinary words.</summary>
    private const int ShortestTokenLength = 4;

    private static readonly TimeSpan HideTimeout = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _secrets = new(StringComparer.Ordinal);
    private readonly List<string> _errors;

    private readonly string _locations;
    private readonly int _generation;

    private ClientSettings(KafkaOptions options, ClientSettings? before)
    {
        _errors = [.. options.Errors()];
        _locations = SettingFiles.LocationDigest(options);
        var common = Given(nameof(KafkaOptions.Settings), options.Settings);
        var (consumer, producer) = (
            Given(nameof(KafkaOptions.Consumer), options.Consumer), Given(nameof(KafkaOptions.Producer), options.Producer));
        CheckSasl(common);
        MaxBatchBytes = Math.Min(options.MaxRecordBytes, LargestLibrarySize - BatchOverheadBytes) + BatchOverheadBytes;
        var shared = new Dictionary<string, string>
        {
            ["client.id"] = "actorstreams",
            ["message.max.bytes"] = Text(MaxBatchBytes),
            ["socket.keepalive.enable"] = "true",
            ["reconnect.backoff.max.ms"] = "2000", // after an outage nobody should wait ten seconds more

            // While a leader that is gone is not known to be gone, brokers still name it, and the client asks again only after this time;
            // what it knows of a topic without reading it, it does not ask for again within the second one.
            ["topic.metadata.refresh.interval.ms"] = "3000",
            ["metadata.max.age.ms"] = "6000",
        };
        var consumerDefaults = new Dictionary<string, string>
        {
            // A broker answers a waiting fetch as soon as there is a record; this bounds how long a partition that is added
            // meanwhile waits for its first fetch.
            ["fetch.wait.max.ms"] = "100",
            ["check.crcs"] = "true",
            ["fetch.error.backoff.ms"] = "100",
            ["fetch.queue.backoff.ms"] = "10",

            // What is fetched ahead of a partition that is paused is dropped and fetched again: not too much.
            ["queued.min.messages"] = "10000",
            ["queued.max.messages.kbytes"] = "32768",
            ["fetch.message.max.bytes"] = "1048576",
            ["fetch.max.bytes"] = Text(Math.Max(16 << 20, MaxBatchBytes)),
            ["receive.message.max.bytes"] = Text(Math.Max(100_000_000, MaxBatchBytes + 100_000)),
        };
        var producerDefaults = new Dictionary<string, string>
        {
            ["compression.type"] = "lz4",
            ["linger.ms"] = "5",
            ["queue.buffering.max.messages"] = "100000",
            ["queue.buffering.max.kbytes"] = Text(Math.Max(64 << 10, MaxBatchBytes >> 9)),
        };
        var statistics = new Dictionary<string, string> { ["statistics.interval.ms"] = Text(options.StatisticsSeconds * 1_000) };
        Admin = Merge(shared, common, statistics);
        Consumer = Merge(shared, consumerDefaults, common, consumer, OwnConsumer);
        Producer = Merge(shared, producerDefaults, common, producer, OwnProducer, statistics);
        BatchBytes = Math.Min(
            MaxBatchBytes, int.TryParse(Producer.GetValueOrDefault("batch.size"), out var given) ? given : LibraryBatchBytes);
        if (_errors.Count == 0)
            Try(common, consumer, producer);
        foreach (var settings in new[] { Admin, Consumer, Producer })
            settings["bootstrap.servers"] = options.BootstrapServers;
        if (before is null)
            return;
        _generation = before._generation + (IsSameButPassword(before) ? 0 : 1);
        // Clients that are made already may still report what they were made with.
        _secrets.UnionWith(before._secrets);
    }

    public Dictionary<string, string> Admin { get; }

    public Dictionary<string, string> Consumer { get; }

    public Dictionary<string, string> Producer { get; }

    /// <summary>The largest batch that is sent, in bytes: that of a record of the largest size.</summary>
    public int MaxBatchBytes { get; }

    /// <summary>The bytes of a batch of several records, at most.</summary>
    public int BatchBytes { get; }

    private static Dictionary<string, string> OwnConsumer => new()
    {
        ["group.id"] = Group,
        ["enable.auto.commit"] = "false",
        ["enable.auto.offset.store"] = "false",
        ["auto.offset.reset"] = "error",
        ["enable.partition.eof"] = "true",
        ["isolation.level"] = "read_committed",
        ["allow.auto.create.topics"] = "false",
        ["dotnet.consumer.consume.result.fields"] = "headers,timestamp,topic",
    };

    // A message that is given up alone, while later ones land, would leave a gap. So librdkafka never gives one up (no timeout, no limit
    // of retries), a batch that a broker refuses for good ends the whole producer (gapless), and it is the producer as a whole that is
    // given up when appends take too long: see ProducerLife.
    private static Dictionary<string, string> OwnProducer => new()
    {
        ["enable.idempotence"] = "true",
        ["enable.gapless.guarantee"] = "true",
        ["acks"] = "all",
        ["message.timeout.ms"] = "0",
        ["message.send.max.retries"] = "2147483647",
        ["dotnet.producer.delivery.report.fields"] = "none",
    };

    /// <summary>Reads and checks all settings.</summary>
    /// <param name="options">The settings, with the names of files.</param>
    /// <param name="before">Those that are in use, where files have changed since.</param>
    /// <exception cref="ArgumentException">Some are wrong; the message names all of them.</exception>
    public static ClientSettings Of(KafkaOptions options, ClientSettings? before = null)
    {
        var settings = new ClientSettings(options, before);
        return settings._errors.Count == 0 ? settings : throw new ArgumentException(settings.Hide(string.Join(' ', settings._errors)));
    }

    /// <summary>
    /// Gives a client that was made with earlier settings what has changed since. False when it must be made anew: librdkafka takes a
    /// new user name and password, and nothing else; connections stay, and the next one uses them.
    /// </summary>
    public bool TryGive<T>(ClientSettings before, NativeClient<T> client)
        where T : class, IClient
    {
        if (before._generation != _generation)
            return false;
        if (!client.TryEnter(out var entered))
            return true; // it is closing
        try
        {
            return TryGive(before, entered);
        }
        finally
        {
            client.Exit();
        }
    }

    /// <inheritdoc cref="TryGive{T}"/>
    public bool TryGive(ClientSettings before, IClient client)
    {
        if (before._generation != _generation)
            return false;
        var own = client is IProducer<byte[], byte[]> ? Producer : client is IConsumer<byte[], byte[]> ? Consumer : Admin;
        if (own.TryGetValue(UserName, out var user) && own.TryGetValue(UserPassword, out var password))
            client.SetSaslCredentials(user, password);
        return true;
    }

    /// <summary>A text of librdkafka without any secret that is in it.</summary>
    public string Hide(string text) => _secrets.Aggregate(text, HideOne);

    /// <summary>
    /// A secret is hidden where it is a whole token; a short one where it is the value of something, after '=' or in quotes.
    /// </summary>
    private static string HideOne(string text, string secret)
    {
        var escaped = Regex.Escape(secret);
        var pattern = secret.Length >= ShortestTokenLength
            ? $"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
            : $"""(?<=[=:"'] ?){escaped}(?=["'\s,;)]|$)""";
        return text.Contains(secret, StringComparison.Ordinal)
            ? Regex.Replace(text, pattern, "(secret)", RegexOptions.CultureInvariant, HideTimeout)
            : text;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static bool IsSecret(string name) =>
        name.Contains("password", StringComparison.Ordinal) || name.Contains("secret", StringComparison.Ordinal)
            || name.Contains("jaas", StringComparison.Ordinal)
        || name.EndsWith(".pem", StringComparison.Ordinal) || name is "sasl.oauthbearer.config";

    private static Dictionary<string, string> Merge(params ReadOnlySpan<Dictionary<string, string>> parts)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in parts)
        {
            foreach (var (name, value) in part)
                merged[name] = value;
        }

        return merged;
    }

    /// <summary>The settings of one part of the configuration, with those from files, without those that are refused.</summary>
    private Dictionary<string, string> Given(string part, Dictionary<string, string> settings)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (full, raw) in settings)
        {
            var path = $"{KafkaOptions.Section}:{part}:{full}";
            var (name, value) = full.EndsWith(SettingFiles.ValueSuffix, StringComparison.Ordinal)
                ? (full[..^SettingFiles.ValueSuffix.Length], FromFile(path, raw))
                : (full, raw);
            if (RefusedSettings.ReasonFor(name) is { } reason)
                _errors.Add($"{path} cannot be set: {reason}.");
            else if (value is not null && !given.TryAdd(name, value))
                _errors.Add($"{path} is given twice, once as a value and once as a file.");
            if (IsSecret(name) && !string.IsNullOrEmpty(value))
                _secrets.Add(value);
        }

        return given;
    }

    private string? FromFile(string path, string file)
    {
        try
        {
            return File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _errors.Add($"{path} names the file '{file}', which cannot be read: {error.Message}");
            return null;
        }
    }

    private bool IsSameButPassword(ClientSettings before) => _locations == before._locations
        && IsSameButPassword(Admin, before.Admin) && IsSameButPassword(Consumer, before.Consumer)
        && IsSameButPassword(Producer, before.Producer);

    private static bool IsSameButPassword(Dictionary<string, string> now, Dictionary<string, string> before) =>
        now.Count == before.Count && now.All(setting => before.TryGetValue(setting.Key, out var earlier)
            && (setting.Value == earlier || setting.Key is UserName or UserPassword));

    private void CheckSasl(Dictionary<string, string> common)
    {
        var protocol = common.GetValueOrDefault("security.protocol", "");
        var named = common.ContainsKey("sasl.mechanism") || common.ContainsKey("sasl.mechanisms");
        if (protocol.StartsWith("sasl", StringComparison.OrdinalIgnoreCase) && !named)
        {
            _errors.Add(
                $"{KafkaOptions.Section}:{nameof(KafkaOptions.Settings)}:sasl.mechanism is missing: the default, GSSAPI, does not "
                    + "work with the library that comes with the client. "
                + "Set SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER, as the brokers ask for.");
        }
    }

    /// <summary>
    /// Makes a client of each kind, without brokers, so that librdkafka reports settings it does not know; it reports one at a time.
    /// </summary>
    private void Try(Dictionary<string, string> common, Dictionary<string, string> consumer, Dictionary<string, string> producer)
    {
        (string Part, Dictionary<string, string> Settings)[] parts =
            [(nameof(KafkaOptions.Settings), common), (nameof(KafkaOptions.Consumer), consumer), (nameof(KafkaOptions.Producer), producer)];
        TryUntilKnown(
            Consumer, parts, settings => new ConsumerBuilder<Null, Null>(settings).SetLogHandler((_, _) => { }).Build().Dispose());
        TryUntilKnown(
            Producer, parts, settings => new ProducerBuilder<Null, Null>(settings).SetLogHandler((_, _) => { }).Build().Dispose());
    }

    /// <summary>The client may name a setting by another of its names, or not at all: the one without which its error changes.</summary>
    private static string? Culprit(
        Dictionary<string, string> all, (
            string Part, Dictionary<string, string> Settings)[] parts, Action<Dictionary<string, string>> build, string message)
    {
        foreach (var name in parts.SelectMany(part => part.Settings.Keys).Where(all.ContainsKey))
        {
            try
            {
                build(all.Where(setting => setting.Key != name).ToDictionary());
                return name;
            }
            catch (Exception error) when (error is InvalidOperationException or ArgumentException or KafkaException)
            {
                if (error.Message != message)
                    return name;
            }
        }

        return null;
    }

    private void TryUntilKnown(
        Dictionary<string,
        string> all,
        (string Part, Dictionary<string, string> Settings)[] parts,
        Action<Dictionary<string,
        string>> build)
    {
        var left = new Dictionary<string, string>(all);
        for (var tries = 0; tries <= all.Count; tries++)
        {
            try
            {
                build(left);
                return;
            }
            catch (Exception error) when (error is InvalidOperationException or ArgumentException or KafkaException)
            {
                var named = left.Keys.Where(name => error.Message.Contains($"\"{name}\"", StringComparison.Ordinal))
                    .MaxBy(name => name.Length)
                    ?? Culprit(left, parts, build, error.Message);
                var part = parts.LastOrDefault(p => named is not null && p.Settings.ContainsKey(named)).Part;
                var setting = KafkaOptions.Section + (part is null ? "" : $":{part}:{named}");
                var text = $"{setting} is refused by the client: {error.Message}".TrimEnd('.') + ".";
                if (!_errors.Contains(text))
                    _errors.Add(text);
                if (named is null || !left.Remove(named))
                    return;
            }
        }
    }
}
