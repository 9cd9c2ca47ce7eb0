using ActorStreams.MockKafka;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using ActorStreams.Cli;
using ActorStreams.Cli.Terminal;
using ActorStreams.Silo;
using ActorStreams.Tests.Cluster;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Security;
using ActorStreams.Tests.Storage.Postgres;
using ActorStreams.Tests.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// An installation as docs/operate/kubernetes.md tells it, without a cluster: two roles in a PostgreSQL that speaks TLS, an issuer of
/// tokens that is asked for its keys, the migration, two silos, the smoke test. Arguments, variables, probes and files are those of the
/// production overlay; only addresses, ports and directories are put in. One thing differs: the mock brokers speak neither TLS nor SASL.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class ProductionTests : EndToEndTest
{
    private const string Mounted = "/etc/actorstreams";
    private const string Audience = "actorstreams";
    private const int Partitions = 12;

    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _siloAuthority = new();
    private readonly TestIssuer _issuer = new();

    [Fact]
    public async Task What_the_production_overlay_says_starts_is_closed_to_strangers_and_passes_its_smoke_test()
    {
        await using var postgres = await PostgresServer.StartNewAsync(_authority.Issue("postgres", ["postgres.example.com"]));
        await using var kafka = await MockBrokers.StartAsync(brokers: 3);
        foreach (var (topic, partitions) in SameAnswersTests.Topics(Partitions, Partitions))
            await kafka.CreateTopicAsync(topic, partitions, replication: 3);
        await using var issuer = await IssuerAsync();
        var database = postgres.Options("streams");
        MountSecrets();

        // 2. PostgreSQL, as the page has it. The owner's role comes first.
        foreach (var role in new[] { "owner", "silo" })
            await PostgresServer.ExecuteAsync(
                postgres.Options("postgres"), $"CREATE ROLE actorstreams_{role} LOGIN PASSWORD '{role}-password'");
        await PostgresServer.ExecuteAsync(postgres.Options("postgres"), "CREATE DATABASE streams OWNER actorstreams_owner");

        // 6. Install: the migration, then the silos.
        var addresses = new Dictionary<string, string>
        {
            ["Host=postgres.example.com"] = $"Host=127.0.0.1;Port={postgres.Port}",
            ["kafka-0.example.com:9093,kafka-1.example.com:9093,kafka-2.example.com:9093"] = kafka.BootstrapServers,
            ["https://issuer.example.com"] = issuer.Urls.Single(),
            [Mounted] = _directory.Path,
        };
        var migration = await Manifests.OfAsync("overlays/production/migration");
        Mount(migration, addresses);
        Assert.Equal(0, await SiloProgram.RunAsync(Arguments(migration.One<V1Job>().Spec.Template.Spec.Containers.Single())));

        var production = await Manifests.OfAsync("overlays/production");
        Mount(production, addresses);
        var (first, second) = (Pod(production), Pod(production));
        var operations = await Task.WhenAll(
            LaunchAsync(production, first, "actorstreams-0"), LaunchAsync(production, second, "actorstreams-1"));
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(database, "SELECT count(*) FROM orleansmembershiptable WHERE status = 3"));
        Assert.Equal(
            0L,
            await PostgresServer.ExecuteAsync(
                database,
                "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'actorstreams_silo' AND NOT ssl"));

        // Closed to those without a token, on both ports, and to tokens of the issuer for somebody else.
        var api = new Uri(first.Url.AbsoluteUri.Replace("http:", "https:", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(new(api, "api/datasets"), null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(new(operations[0], "metrics"), null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(new(api, "api/datasets"), _issuer.Token(audience: "somebody else")));
        Assert.Equal(
            HttpStatusCode.OK, await StatusAsync(new(operations[0], "metrics"), _issuer.Token("streams.metrics", audience: Audience)));

        // The smoke test: append at one silo, read the view at either, take it back.
        await SmokeTestAsync(first, second);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _issuer.Dispose();
        _siloAuthority.Dispose();
        _authority.Dispose();
        _directory.Dispose();
    }

    private async Task SmokeTestAsync(params SiloProcess[] silos)
    {
        var pod = (await Manifests.OfAsync("overlays/production/smoke-test")).One<V1Job>().Spec.Template.Spec;
        Assert.Equal(ExitCodes.Ok, (await RunAsync(pod.InitContainers[0], silos[0])).Code);
        foreach (var silo in silos)
            await UntilAsync(
                async () => (await RunAsync(pod.InitContainers[1], silo)).Output.Contains("\"orders\":1", StringComparison.Ordinal),
                "the view is read");
        Assert.Equal(ExitCodes.Ok, (await RunAsync(pod.Containers.Single(), silos[1])).Code);
        await UntilAsync(async () => (await RunAsync(pod.InitContainers[1], silos[0])).Code == ExitCodes.NoSuchKey, "it was taken back");
    }

    private async Task<(int Code, string Output)> RunAsync(V1Container container, SiloProcess silo)
    {
        var arguments = Arguments(container).Select(argument => argument.Replace("$(POD_NAME)", "smoke", StringComparison.Ordinal))
            .Concat(["--url", silo.Url.AbsoluteUri.Replace("http:", "https:", StringComparison.Ordinal)]);
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var code = await CommandLine.RunAsync([.. arguments], new Shell(output, errors, false, false));
        Assert.True(code is ExitCodes.Ok or ExitCodes.NoSuchKey, errors.ToString());
        return (code, output.ToString());
    }

    private SiloProcess Pod(Manifests production)
    {
        var silo = Keep(new SiloProcess { Settings = Arguments(production.SiloContainer) });
        foreach (var (name, value) in Manifests.EnvironmentOf(production.SiloContainer)
            .Where(variable => variable.Key is not "ASPNETCORE_URLS" and not "Silo__DataDirectory"))
            silo.Variables[name] = value;
        silo.Variables["SSL_CERT_FILE"] = _authority.CaFile; // the issuer's authority, as the system's store would have it
        return silo;
    }

    /// <summary>Starts a silo, and waits until the probes of its pod are content.</summary>
    /// <returns>Its operations endpoint.</returns>
    private async Task<Uri> LaunchAsync(Manifests production, SiloProcess silo, string name)
    {
        var operations = Ports.Free();
        silo.Variables["Silo__Name"] = name;
        silo.Variables["Silo__AdvertisedAddress"] = "127.0.0.1";
        silo.Variables["Silo__SiloPort"] = $"{Ports.Free()}";
        silo.Variables["Silo__OperationsPort"] = $"{operations}";
        silo.Launch(
            $"--urls=https://127.0.0.1:{silo.Url.Port}", "--Kafka:Settings:security.protocol=PLAINTEXT",
            "--Security:AllowPlaintextKafka=true", "--Kafka:ChecksTopicSettings=false",
            "--Kafka:Consumer:fetch.wait.max.ms=10"); // the mock answers an empty fetch only after this time
        foreach (var probe in new[]
        {
            production.SiloContainer.StartupProbe, production.SiloContainer.ReadinessProbe, production.SiloContainer.LivenessProbe,
        })
        {
            Assert.Equal("operations", (string)probe.HttpGet.Port);
            var address = new UriBuilder(probe.HttpGet.Scheme, "127.0.0.1", operations, probe.HttpGet.Path).Uri;
            await UntilAsync(async () => silo.Runs ? await StatusAsync(address, null) == HttpStatusCode.OK
                : throw new InvalidOperationException(silo.Output), $"{address} is answered");
        }

        return new($"https://127.0.0.1:{operations}/");
    }

    private async Task<HttpStatusCode?> StatusAsync(Uri address, string? token)
    {
        using var http = _authority.Http(token);
        try
        {
            using var response = await http.GetAsync(address);
            return response.StatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>The secrets of the page's fourth step, as files where the pod has them.</summary>
    private void MountSecrets()
    {
        Write("postgres/password", "silo-password");
        Write("postgres/ca.crt", File.ReadAllText(_authority.CaFile));
        Write("kafka/username", "silo");
        Write("kafka/password", "kafka-password");
        Write("kafka/ca.crt", File.ReadAllText(_authority.CaFile));
        Write("token/token", _issuer.Token("streams.append streams.read", audience: Audience));
        foreach (var (directory, authority, name) in new[]
        {
            ("tls", _authority, "actorstreams"), ("silo-tls", _siloAuthority, "actorstreams-silo"),
        })
        {
            var certificate = authority.Issue(directory, [name]);
            Write($"{directory}/tls.crt", File.ReadAllText(certificate.CertificateFile));
            Write($"{directory}/tls.key", File.ReadAllText(certificate.KeyFile));
            Write($"{directory}/ca.crt", File.ReadAllText(authority.CaFile));
        }
    }

    /// <summary>
    /// The settings, as files where the pod has them, with other addresses. The migration has another password at the same place.
    /// </summary>
    private void Mount(Manifests manifests, IReadOnlyDictionary<string, string> addresses)
    {
        var isMigration = manifests.Of<V1Job>().Any();
        Write("postgres/password", isMigration ? "owner-password" : "silo-password");
        var map = manifests.Of<V1ConfigMap>().Single(one => one.Data.Keys.Any(key => key is "silo.json" or "migration.json"));
        foreach (var (name, text) in map.Data)
        {
            Assert.All(addresses.Keys.Where(address => !isMigration
                || !address.Contains("kafka", StringComparison.Ordinal)
                    && !address.Contains("issuer", StringComparison.Ordinal)), address => Assert.Contains(
                        address, text, StringComparison.Ordinal));
            Write($"settings/{name}", addresses.Aggregate(
                text, (changed, address) => changed.Replace(address.Key, address.Value, StringComparison.Ordinal)));
        }
    }

    private string[] Arguments(V1Container container) =>
        [.. container.Args.Select(argument => argument.Replace(Mounted, _directory.Path, StringComparison.Ordinal))];

    private void Write(string file, string text)
    {
        var path = _directory.File(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>An issuer of tokens that tells its keys, as OpenID Connect has it.</summary>
    private async Task<WebApplication> IssuerAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var certificate = _authority.Issue("issuer", ["issuer.example.com"]);
        builder.WebHost.UseKestrelHttpsConfiguration().UseUrls("https://127.0.0.1:0");
        builder.WebHost
            .ConfigureKestrel(
                kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = X509Certificate2.CreateFromPemFile(
                    certificate.CertificateFile, certificate.KeyFile)));
        var app = builder.Build();
        app.MapGet("/.well-known/openid-configuration", (HttpRequest request) =>
            Results.Json(new { issuer = TestIssuer.Name, jwks_uri = $"https://{request.Host}/keys" }));
        app.MapGet("/keys", () => Results.Text(File.ReadAllText(_issuer.KeysFile), "application/json"));
        await app.StartAsync();
        return app;
    }
}
