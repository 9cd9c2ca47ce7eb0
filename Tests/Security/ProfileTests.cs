using System.Net;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class ProfileTests : EndToEndTest
{
    [Fact]
    public async Task What_others_can_reach_does_not_start_unprotected_and_all_that_is_missing_is_told_at_once()
    {
        var silo = NewSilo();
        silo.Launch(
            $"--urls=http://0.0.0.0:{Ports.Free()}", "--Silo:Log=kafka", "--Silo:States=postgres",
            "--Silo:AdvertisedAddress=10.1.2.3", "--Kafka:BootstrapServers=127.0.0.1:9",
            "--Kafka:Settings:sasl.password=planted-kafka",
            "--Postgres:ConnectionString=Host=127.0.0.1;Username=a;Password=planted-postgres");
        await RefusedAsync(
            silo, "Security:Tls:CertificateFile", "Security:Tls:TerminatedUpstream", "Security:Jwt:Authority", "Security:Jwt:Audience",
            "Security:Silo:CaFile", "Security:Silo:Insecure",
            "Kafka:Settings:security.protocol", "Security:AllowPlaintextKafka", "sasl.password.file", "SSL Mode=VerifyFull",
            "Security:AllowPlaintextPostgres", "Postgres:PasswordFile", "0.0.0.0", "Security:Profile=Development");
        Assert.DoesNotContain("planted", silo.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Kafka:Producer:security.protocol is plaintext", "--Kafka:Settings:security.protocol=SASL_SSL",
        "--Kafka:Producer:security.protocol=plaintext")]
    [InlineData(
        "anybody could be the broker", "--Kafka:Settings:security.protocol=ssl",
        "--Kafka:Settings:enable.ssl.certificate.verification=false")]
    [InlineData(
        "anybody could be the broker", "--Kafka:Settings:security.protocol=ssl",
        "--Kafka:Settings:ssl.endpoint.identification.algorithm=none")]
    [InlineData("does not check the server's name", "--Silo:States=postgres", "--Postgres:ConnectionString=Host=h;SSL Mode=Require")]
    [InlineData("SSL Mode=Prefer", "--Silo:States=postgres", "--Postgres:ConnectionString=Host=h")]
    [InlineData("must be an https URL", "--Security:Jwt:Authority=http://issuer.test", "--Security:Jwt:Audience=a")]
    [InlineData("Security:Jwt:Audience is missing", "--Security:Jwt:Authority=https://issuer.test")]
    [InlineData("Security:Tls: ", "--Security:Tls:CertificateFile=/does/not/exist")]
    [InlineData("Choose another", "--Silo:OperationsPort=8080", "--urls=http://127.0.0.1:8080")]
    [InlineData("RequestsPerSecond", "--Security:Limits:RequestsPerSecond=-1")]
    [InlineData("ReloadSeconds", "--Security:ReloadSeconds=0")]
    public async Task Half_a_protection_is_refused_too(string says, params string[] settings)
    {
        var silo = NewSilo();
        silo.Launch(["--Security:Profile=Production", "--Silo:Log=kafka", "--Kafka:BootstrapServers=127.0.0.1:9", .. settings]);
        await RefusedAsync(silo, says);
    }

    [Fact]
    public async Task Keys_for_tokens_that_could_make_tokens_are_refused()
    {
        using var directory = new TemporaryDirectory();
        foreach (var (keys, says) in new[]
        {
            ("""{"keys":[{"kty":"oct","k":"cGxhbnRlZA","kid":"a"}]}""", "symmetric"),
            ("""{"keys":[{"kty":"RSA","n":"sXch","e":"AQAB","d":"cGxhbnRlZA","p":"AQ","q":"AQ","dp":"AQ","dq":"AQ","qi":"AQ"}]}""",
                "private"),
            ("""{"keys":[]}""", "holds no key"), ("no JSON", "no JSON Web Key Set"),
        })
        {
            var file = directory.File("keys.json");
            await File.WriteAllTextAsync(file, keys);
            var silo = NewSilo();
            silo.Launch($"--Security:Jwt:SigningKeysFile={file}", "--Security:Jwt:Audience=a");
            await RefusedAsync(silo, says);
            Assert.DoesNotContain("cGxhbnRlZA", silo.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Development_that_is_open_to_others_must_be_said_and_is_warned_of_loudly()
    {
        var silo = NewSilo();
        silo.Launch($"--urls=http://0.0.0.0:{silo.Url.Port}", "--Security:Profile=Development");
        await silo.ReadyAsync();
        Assert.Contains("SECURITY: the profile is Development", silo.Output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("api/datasets")).Status);
    }

    [Fact]
    public async Task On_loopback_all_is_open_as_ever_and_with_keys_for_tokens_it_is_not()
    {
        var open = await StartSiloAsync();
        Assert.Equal(HttpStatusCode.OK, (await open.GetAsync("dashboard/DashboardCounters")).Status);
        Assert.DoesNotContain("SECURITY", open.Output, StringComparison.Ordinal);
        using var issuer = new TestIssuer();
        var closed = await StartSiloAsync(
            $"--Security:Jwt:SigningKeysFile={issuer.KeysFile}", $"--Security:Jwt:Audience={TestIssuer.Audience}");
        Assert.Equal(HttpStatusCode.Unauthorized, (await closed.GetAsync("api/datasets")).Status);
    }

    [Fact]
    public async Task A_lone_silo_opens_no_port_for_clients_of_the_cluster_unless_it_is_asked_to()
    {
        var silo = await StartSiloAsync();
        var listening = await File.ReadAllLinesAsync("/proc/net/tcp");
        var inodes = Directory.GetFiles($"/proc/{silo.ProcessId}/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "")
            .Where(link => link.StartsWith("socket:", StringComparison.Ordinal)).ToHashSet();
        var ports = listening.Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns[3] == "0A" && inodes.Contains($"socket:[{columns[9]}]")).ToList();
        // The API and the silo's own port, both for this machine alone.
        Assert.Equal(2, ports.Count);
        Assert.All(ports, columns => Assert.StartsWith("0100007F:", columns[1], StringComparison.Ordinal));
    }

    private static async Task RefusedAsync(SiloProcess silo, params string[] says)
    {
        Assert.Equal(1, await silo.EndAsync());
        Assert.All(says, text => Assert.Contains(text, silo.Errors, StringComparison.Ordinal));
        Assert.StartsWith("The silo cannot start.", silo.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", silo.Output, StringComparison.Ordinal);
    }
}
