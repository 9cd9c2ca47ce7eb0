using System.Diagnostics;
using System.Net;
using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Security;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ActorStreams.Tests.Kafka;

/// <summary>
/// Passwords and authorities change in files while appends and folds go on: nothing is started again, and nothing is lost.
/// </summary>
[Collection(RealBrokersCollection.Name)]
public sealed class RotationTests
{
    private const string Changed = "have changed. New connections use them";

    [Fact]
    public async Task A_new_password_in_a_file_is_used_without_a_restart()
    {
        await using var kafka = await RealKafka.StartNewAsync(1, Failing.Killed, secured: true, KafkaSecurity.ScramSettings);
        using var directory = new TemporaryDirectory();
        var (file, changed) = (directory.File("password"), new TaskCompletionSource());
        await SetPasswordAsync(kafka, "the-password-before");
        TestAuthority.Replace(file, "the-password-before\n");
        await using var silo = new SiloProcess
        {
            Settings =
            [
                "--Silo:Log=kafka", $"--Kafka:BootstrapServers={kafka.Security!.PasswordServers}", "--Streams:DefaultPartitions=2",
                "--Kafka:Settings:security.protocol=sasl_plaintext", "--Kafka:Settings:sasl.mechanism=SCRAM-SHA-512",
                $"--Kafka:Settings:sasl.username={KafkaSecurity.User}", $"--Kafka:Settings:sasl.password.file={file}",
            ],
            OnLine = line =>
            {
                if (line.Contains(Changed, StringComparison.Ordinal))
                    changed.TrySetResult();
            },
        };
        await silo.StartAsync();
        using var stopping = new CancellationTokenSource();
        var appending = AppendAsync(silo, stopping.Token);

        await SetPasswordAsync(kafka, "the-password-after");
        await Task.Delay(KafkaSecurity.SessionMilliseconds * 2, TestContext.Current.CancellationToken); // every connection signs in again
        await AssertRefusedAsync(kafka, "the-password-before");
        TestAuthority.Replace(file, "the-password-after\n");
        await changed.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await silo.PlaceAsync("after", "other", 1); // the brokers take it again
        await Task.Delay(KafkaSecurity.SessionMilliseconds * 2, TestContext.Current.CancellationToken);
        await stopping.CancelAsync();

        var appended = await appending;
        Assert.True(appended > 10, $"Only {appended} orders were appended.");
        await silo.CaughtUpAsync("shop.orders");
        while (!(await silo.GetAsync("api/views/spend/c")).State.Contains($"\"orders\":{appended},", StringComparison.Ordinal))
            await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("the-password", silo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_authority_in_a_file_is_believed_without_a_restart()
    {
        await using var kafka = await RealKafka.StartNewAsync(1, Failing.Killed, secured: true, KafkaSecurity.AllMayAll);
        await kafka.CreateTopicAsync("t", 1);
        using var directory = new TemporaryDirectory();
        var (file, logged) = (directory.File("ca.pem"), new Logged());
        TestAuthority.Replace(file, kafka.Security!.CaText);
        var options = KafkaCluster.Options(kafka.Security.TlsServers, isReal: true);
        options.Settings["security.protocol"] = "ssl";
        options.Settings["ssl.ca.location"] = file;
        await using var log = KafkaChangeLog.Open(options, logged);
        using var stopping = new CancellationTokenSource();
        var (appending, reading) = (AppendAsync(log, stopping.Token), log.TakeAsync(new("t", 0), 0, 1_000_000));

        var before = kafka.Security.CaText;
        kafka.Security.ChangeAuthority();
        TestAuthority.Replace(file, before + "\n" + kafka.Security.CaText);
        await UntilAsync(() => logged.All.Contains(Changed, StringComparison.Ordinal));
        await MoreAsync(log, 10); // and what was under way when the file changed is done
        await kafka.SignalAsync(1, "TERM");
        await kafka.UpAsync(1);
        await MoreAsync(log, 10);
        await stopping.CancelAsync();
        var appended = await appending;
        var range = (await log.OffsetsAsync("t"))[0];
        Assert.False(reading.IsCompleted, "The reader ended.");
        var values = (await log.TakeAsync(new("t", 0), 0, (int)range.End)).Values();
        Assert.Equal(Enumerable.Range(0, appended).Select(i => $"{i}"), values);

        // And files that cannot be used leave everything as it is.
        TestAuthority.Replace(file, "no certificate");
        await UntilAsync(() => logged.Warnings.Any(line => line.Contains("cannot be used", StringComparison.Ordinal)));
        await log.AppendAsync("t", KafkaTesting.Numbered(-2, 1));
    }

    /// <summary>Waits until so many more records have been appended.</summary>
    private static async Task MoreAsync(KafkaChangeLog log, int records)
    {
        var started = Stopwatch.GetTimestamp();
        var end = (await log.OffsetsAsync("t"))[0].End + records;
        while ((await log.OffsetsAsync("t"))[0].End < end)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        EndToEndTest.Print($"{records} more records took {Stopwatch.GetElapsedTime(started)}.");
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
            await Task.Delay(50, TestContext.Current.CancellationToken);
    }

    private static async Task<int> AppendAsync(SiloProcess silo, CancellationToken stopping)
    {
        for (var i = 0; ; i++)
        {
            if (stopping.IsCancellationRequested)
                return i;
            var answer = await silo.PostAsync(OrderRequests.Orders, OrderRequests.Placed($"o{i}", "c", 1));
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static async Task<int> AppendAsync(KafkaChangeLog log, CancellationToken stopping)
    {
        for (var i = 0; ; i++)
        {
            if (stopping.IsCancellationRequested)
                return i;
            await log.AppendAsync("t", KafkaTesting.Numbered(i, 1), CancellationToken.None);
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static Task SetPasswordAsync(RealKafka kafka, string password) => kafka.Admin.AlterUserScramCredentialsAsync(
    [
        new UserScramCredentialUpsertion
        {
            User = KafkaSecurity.User,
            ScramCredentialInfo = new() { Mechanism = ScramMechanism.ScramSha512, Iterations = 4096 },
            Password = System.Text.Encoding.UTF8.GetBytes(password),
        },
    ]);

    private static async Task AssertRefusedAsync(RealKafka kafka, string password)
    {
        var options = KafkaCluster.Options(kafka.Security!.PasswordServers, isReal: true, requestTimeout: 2);
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "SCRAM-SHA-512", ["sasl.username"] = KafkaSecurity.User,
            ["sasl.password"] = password,
        })
            options.Settings[name] = value;
        await using var log = KafkaChangeLog.Open(options);
        await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.ListTopicsAsync());
    }
}
