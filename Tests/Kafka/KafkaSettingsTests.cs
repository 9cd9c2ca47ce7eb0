using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;

namespace ActorStreams.Tests.Kafka;

public sealed class KafkaSettingsTests
{
    private const string Nowhere = "127.0.0.1:1";

    [Fact]
    public void All_that_is_wrong_is_told_at_once_with_the_names_of_the_configuration()
    {
        var error = Assert.Throws<ArgumentException>(() => KafkaChangeLog.Open(new()
        {
            MaxRecordBytes = 0,
            Settings = { ["security.protocol"] = "sasl_ssl", ["sasl.password.file"] = "/no/such/file" },
            Producer = { ["acks"] = "1", ["enable.idempotence"] = "false" },
            Consumer = { ["isolation.level"] = "read_uncommitted", ["group.id"] = "mine" },
        }));
        foreach (var part in new[]
        {
            "Kafka:BootstrapServers is missing.", "Kafka:MaxRecordBytes is 0, but must be 1 to 268435456.",
            "Kafka:Settings:sasl.mechanism is missing",
            "Kafka:Settings:sasl.password.file names the file '/no/such/file', which cannot be read", "Kafka:Producer:acks cannot be set",
            "Kafka:Producer:enable.idempotence cannot be set",
            "Kafka:Consumer:isolation.level cannot be set: records of aborted transactions", "Kafka:Consumer:group.id cannot be set",
        })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void All_that_the_client_does_not_know_is_told_at_once()
    {
        var error = Assert.Throws<ArgumentException>(() => KafkaChangeLog.Open(new()
        {
            BootstrapServers = Nowhere,
            Settings = { ["no.such.setting"] = "1", ["socket.timeout.ms"] = "soon" },
            Consumer = { ["fetch.wait.max.ms"] = "-5" },
            Producer = { ["compression.type"] = "magic" },
        }));
        foreach (
            var name in new[]
            {
                "Kafka:Settings:no.such.setting", "Kafka:Settings:socket.timeout.ms", "Kafka:Consumer:fetch.wait.max.ms",
                "Kafka:Producer:compression.type",
            })
            Assert.Contains(name + " is refused by the client", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_come_from_files_and_are_neither_logged_nor_told()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File("password"), "hunter2-of-the-file\n", TestContext.Current.CancellationToken);
        var logged = new Logged();
        Dictionary<string, string> settings = new()
        {
            ["security.protocol"] = "sasl_plaintext",
            ["sasl.mechanism"] = "PLAIN",
            ["sasl.username"] = "me",
            ["sasl.password.file"] = directory.File("password"),
            ["debug"] = "conf,security",
        };
        await using (
            var log = KafkaChangeLog.Open(new() { BootstrapServers = Nowhere, Settings = settings, RequestTimeoutSeconds = 1 }, logged))
            await Assert.ThrowsAsync<ActorStreams.Log.LogUnavailableException>(async () => await log.ListTopicsAsync());
        Assert.NotEmpty(logged.All);
        Assert.DoesNotContain("hunter2", logged.All, StringComparison.Ordinal);

        settings["ssl.key.pem"] = "hunter2-pem";
        settings["ssl.keystore.password"] = "hunter2-store";
        settings["no.such"] = "1";
        var error = Assert.Throws<ArgumentException>(() => KafkaChangeLog.Open(new() { BootstrapServers = Nowhere, Settings = settings }));
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", "A long way away: a=a, 'a' and \"a\"", "A long way away: a=(secret), '(secret)' and \"(secret)\"")]
    [InlineData("kafka", "kafka, kafkaesque and kafka=kafka", "(secret), kafkaesque and (secret)=(secret)")]
    [InlineData("p.w$", "p.w$ is not pxw$", "(secret) is not pxw$")]
    public void A_secret_is_hidden_as_a_whole_and_a_short_one_only_where_a_value_stands(string secret, string text, string hidden)
    {
        var settings = ClientSettings.Of(new() { BootstrapServers = Nowhere, Settings = { ["ssl.key.password"] = secret } });
        Assert.Equal(hidden, settings.Hide(text));
    }
}
