using ActorStreams.MockKafka;
using System.Net;
using System.Net.Http.Headers;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;
using Npgsql;

namespace ActorStreams.Tests.Security;

/// <summary>Secrets are planted, silos run with every log at debug level, and what they wrote is searched for each.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class SecretsTests : EndToEndTest
{
    private static readonly string[] Debug =
    [
        "--Logging:LogLevel:Default=Debug", "--Logging:LogLevel:Microsoft=Debug", "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Debug",
        "--Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host=Debug",
        "--Logging:LogLevel:Orleans=Debug", "--Logging:LogLevel:Orleans.Runtime.Silo=Debug",
        "--Logging:LogLevel:Orleans.Runtime.Watchdog=Debug", "--Logging:LogLevel:Polly=Debug", "--Logging:LogLevel:Microsoft.Orleans=Debug",
    ];

    [Fact]
    public async Task No_secret_is_in_the_debug_log_of_a_silo_with_PostgreSQL_certificates_and_tokens()
    {
        using var directory = new TemporaryDirectory();
        using var authority = new TestAuthority();
        using var issuer = new TestIssuer();
        var postgres = await PostgresServer.SharedAsync();
        var database = await postgres.NewDatabaseAsync();
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var passwordFile = directory.File("password");
        await File.WriteAllTextAsync(passwordFile, connection.Password);
        connection.Password = null;
        var (api, member) = (authority.Issue("api", ["localhost"]), authority.Issue("silo", ["actorstreams-silo"]));
        var written = new Written();
        var silo = NewSilo(written.Add);
        silo.Launch(
        [
            .. Debug, "--Security:Profile=Production", "--Security:Tls:TerminatedUpstream=true",
            $"--Security:Jwt:SigningKeysFile={issuer.KeysFile}", $"--Security:Jwt:Audience={TestIssuer.Audience}",
            $"--Security:Silo:CertificateFile={member.CertificateFile}", $"--Security:Silo:KeyFile={member.KeyFile}",
            $"--Security:Silo:CaFile={authority.CaFile}", "--Security:AllowPlaintextPostgres=true",
            "--Silo:States=postgres", $"--Postgres:ConnectionString={connection.ConnectionString}",
            $"--Postgres:PasswordFile={passwordFile}", "--Security:ReloadSeconds=0.1",
        ]);
        await silo.ReadyAsync();

        var (good, expired, foreign) = (issuer.Token(), issuer.Token(expires: TimeSpan.FromMinutes(-5)), issuer.Token(audience: "else"));
        foreach (var (token, status) in new[]
        {
            (good, HttpStatusCode.OK), (expired, HttpStatusCode.Unauthorized), (foreign, HttpStatusCode.Unauthorized),
            (good[..^9] + "planted", HttpStatusCode.Unauthorized),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "api/datasets")
            {
                Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            };
            using var response = await silo.Http.SendAsync(request);
            Assert.Equal(status, response.StatusCode);
        }

        using (var form = new FormUrlEncodedContent([new("token", good), new("back", "/")]))
        using (var signIn = new HttpRequestMessage(HttpMethod.Post, "sign-in")
        {
            Content = form, Headers = { { "Sec-Fetch-Site", "same-origin" } },
        })
            (await silo.Http.SendAsync(signIn)).Dispose();
        using (var append = new HttpRequestMessage(HttpMethod.Post, SecureRequests.Orders)
        {
            Content = new StringContent(OrderRequests.Placed("planted-key-of-record", "planted-payload", 1), null, "application/x-ndjson"),
        })
        {
            append.Headers.Authorization = new("Bearer", good);
            using var appended = await silo.Http.SendAsync(append);
            Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
        }

        // Files that change, and a password that is wrong: failures are where secrets get out.
        TestAuthority.Replace(member.KeyFile, await File.ReadAllTextAsync(api.KeyFile));
        TestAuthority.Replace(issuer.KeysFile, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"cGxhbnRlZA\"}]}");
        await File.WriteAllTextAsync(passwordFile, "planted-wrong-password");
        await SiloTlsTests.IsBelievedAsync(await SiloPortAsync(silo), null);
        await Task.Delay(1_000);
        using (var request = new HttpRequestMessage(HttpMethod.Get, "api/entities/order/x")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", good) },
        })
            (await silo.Http.SendAsync(request)).Dispose();
        await silo.StopAsync();

        Assert.True(written.Count > 300, $"Only {written.Count} lines: not at debug level.");
        Assert.All(["dbug: Orleans", "JwtBearer", "cannot be used together", "symmetric key"], text => Assert.True(
            written.Has(text), $"Nothing was logged of '{text}'."));
        string[] secrets =
        [
            PostgresServer.Password, "planted-wrong-password", good, good.Split('.')[2], expired.Split('.')[2], foreign.Split('.')[2],
            "planted-payload", "cGxhbnRlZA", .. await BodyAsync(member.KeyFile), .. await BodyAsync(api.KeyFile),
        ];
        written.AssertNone(secrets);
    }

    [Fact]
    public async Task No_secret_is_in_the_debug_log_of_a_silo_that_signs_in_at_Kafka()
    {
        using var directory = new TemporaryDirectory();
        await using var kafka = await MockBrokers.StartAsync();
        var passwordFile = directory.File("password");
        await File.WriteAllTextAsync(passwordFile, "planted-kafka-password");
        var written = new Written();
        var silo = NewSilo(written.Add);
        silo.Launch(
        [
            .. Debug, "--Silo:Log=kafka", $"--Kafka:BootstrapServers={kafka.BootstrapServers}",
            "--Kafka:Settings:security.protocol=SASL_PLAINTEXT", "--Kafka:Settings:sasl.mechanism=PLAIN",
            "--Kafka:Settings:sasl.username=someone", $"--Kafka:Settings:sasl.password.file={passwordFile}", "--Kafka:Settings:debug=all",
            "--Kafka:RequestTimeoutSeconds=5", "--Silo:StartWaitSeconds=0",
        ]);
        // The mock brokers know no SASL: the silo tries until its time is over, and says why it cannot start.
        Assert.Equal(1, await silo.EndAsync());
        Assert.True(written.Count > 200, $"Only {written.Count} lines: not at debug level.");
        Assert.True(written.Has("sasl"), "The client library logged nothing of signing in.");
        written.AssertNone(
            "planted-kafka-password", Convert.ToBase64String("planted-kafka-password"u8),
            Convert.ToBase64String("\0someone\0planted-kafka-password"u8));
    }

    /// <summary>The lines between those that PEM begins and ends with.</summary>
    private static async Task<IEnumerable<string>> BodyAsync(string file) =>
        (await File.ReadAllLinesAsync(file)).Where(line => line.Length > 20 && !line.StartsWith("---", StringComparison.Ordinal));

    private static async Task<int> SiloPortAsync(SiloProcess silo)
    {
        var inodes = Directory.GetFiles($"/proc/{silo.ProcessId}/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "").ToHashSet();
        var rows = (await File.ReadAllLinesAsync("/proc/net/tcp")).Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return rows.Where(columns => columns[3] == "0A" && inodes.Contains($"socket:[{columns[9]}]"))
            .Select(columns => Convert.ToInt32(columns[1].Split(':')[1], 16)).First(port => port != silo.Url.Port);
    }

    private SiloProcess NewSilo(Action<string> onLine)
    {
        var silo = NewSilo();
        silo.OnLine = onLine;
        return silo;
    }

    private sealed class Written
    {
        private readonly List<string> _lines = [];

        internal int Count
        {
            get
            {
                lock (_lines)
                    return _lines.Count;
            }
        }

        internal void Add(string line)
        {
            lock (_lines)
                _lines.Add(line);
        }

        internal bool Has(string text)
        {
            lock (_lines)
                return _lines.Exists(line => line.Contains(text, StringComparison.OrdinalIgnoreCase));
        }

        internal void AssertNone(params string[] secrets)
        {
            lock (_lines)
            {
                foreach (var secret in secrets)
                {
                    if (_lines.Find(line => line.Contains(secret, StringComparison.Ordinal)) is { } found)
                        Assert.Fail($"The secret '{secret[..Math.Min(20, secret.Length)]}…' is in the log: {found}");
                }
            }
        }
    }
}
