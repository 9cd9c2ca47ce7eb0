using System.Net.Security;
using System.Net.Sockets;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ActorStreams.Client.Http;
using ActorStreams.Client.Cluster;
using ActorStreams.Client;
using ActorStreams.Grains.Tls;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

#pragma warning disable CA5359 // an attacker does not care whose certificate it is shown

namespace ActorStreams.Tests.Security;

/// <summary>Attacks on the ports at which silos talk to each other and to clients of their cluster.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class SiloTlsTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    private const string ServerOnly = "1.3.6.1.5.5.7.3.1";

    [Fact]
    public async Task A_plain_text_connection_to_a_silo_s_port_is_closed_without_a_word()
    {
        foreach (var port in new[] { Silo.SiloPort, Silo.GatewayPort })
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(
                "\u0010\0\0\0\u0008\0\0\0 this is how a message of Orleans might begin, with lengths first"));
            Assert.True(await AnswersWithoutTlsAsync(stream) is 0 or 7, "The silo answered something other than a TLS alert.");
        }
    }

    [Fact]
    public async Task A_silo_s_port_believes_only_certificates_of_its_authority_with_a_silo_s_name_and_purpose()
    {
        using var foreign = new TestAuthority();
        (string What, X509Certificate2? Certificate)[] rogues =
        [
            ("none", null),
            ("of another authority", foreign.Issue("rogue", ["actorstreams-silo"]).Load()),
            ("with another name", Silo.Authority.Issue("web", ["localhost", "silo", "actorstreams-silo.evil.test"]).Load()),
            ("of a client", Silo.Authority.Issue("client", [ClusterIdentity.ClientName]).Load()),
            ("for servers only", Silo.Authority.Issue("server", ["actorstreams-silo"], purposes: ServerOnly).Load()),
            ("that has expired", Silo.Authority.Issue("expired", ["actorstreams-silo"], validDays: -1).Load()),
        ];
        foreach (var (what, certificate) in rogues)
            Assert.False(await IsBelievedAsync(Silo.SiloPort, certificate), $"A certificate {what} was believed.");
        Assert.True(await IsBelievedAsync(Silo.SiloPort, Silo.Member.Load()));
    }

    [Fact]
    public async Task A_client_of_the_cluster_needs_a_certificate_and_then_works_as_ever()
    {
        using var cluster = Client(Silo.Authority.Issue("service", [ClusterIdentity.ClientName]), Silo.Authority.CaFile);
        await cluster.StartAsync();
        using var client = cluster.Services.GetRequiredService<IClusterClient>().AsActorStreamsClient();
        var at = await client.AppendAsync(
            "shop.orders", [new() { Key = "tls", Value = new { type = "placed", customer = "tls", total = 5 } }]);
        Assert.Equal(new Spend(1, 5), (await client.GetAsync<Spend>("spend", "tls", new() { AtLeast = at[0] }))!.State);
        await cluster.StopAsync();
    }

    [Fact]
    public async Task A_client_of_the_cluster_without_a_certificate_or_with_a_foreign_one_is_refused()
    {
        using var foreign = new TestAuthority();
        foreach (var certificate in new[] { null, foreign.Issue("rogue", [ClusterIdentity.ClientName]) })
        {
            using var cluster = Client(certificate, Silo.Authority.CaFile);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
            await Assert.ThrowsAnyAsync<Exception>(() => cluster.StartAsync(limit.Token));
            await cluster.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    [Fact]
    public async Task A_client_does_not_believe_a_gateway_of_another_authority()
    {
        using var foreign = new TestAuthority();
        using var cluster = Client(Silo.Authority.Issue("service2", [ClusterIdentity.ClientName]), foreign.CaFile);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.StartAsync(limit.Token));
        await cluster.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public void Nothing_of_ours_reads_what_a_caller_may_write_into_the_request_context()
    {
        foreach (var assembly in new[]
        {
            typeof(ActorStreams.Hosting.Settings.HostingOptions).Assembly, typeof(ActorStreams.Partitions.StreamsOptions).Assembly,
            typeof(ActorStreams.Grains.GrainsServices).Assembly, typeof(ActorStreams.Grains.IStateGrain).Assembly,
        })
        {
            using var file = File.OpenRead(assembly.Location);
            using var image = new System.Reflection.PortableExecutable.PEReader(file);
            var metadata = System.Reflection.Metadata.PEReaderExtensions.GetMetadataReader(image);
            Assert.DoesNotContain(
                "RequestContext", metadata.TypeReferences.Select(type => metadata.GetString(metadata.GetTypeReference(type).Name)));
        }
    }

    internal static async Task<bool> IsBelievedAsync(int port, X509Certificate2? certificate)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await using var ssl = new SslStream(client.GetStream());
        try
        {
            await ssl.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = ClusterIdentity.SiloName,
                ClientCertificates = certificate is null ? null : [certificate],
                EnabledSslProtocols = SslProtocols.Tls12,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });
            // Whoever is believed is told who this silo is, before anything is asked.
            return await ssl.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(20)) == 1;
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            return false;
        }
    }

    internal static async Task<string> ThumbprintAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        var seen = "";
        await using var ssl = new SslStream(client.GetStream(), false, (_, shown, _, _) =>
        {
            seen = ((X509Certificate2)shown!).Thumbprint;
            return true;
        });
        try
        {
            await ssl.AuthenticateAsClientAsync(ClusterIdentity.SiloName);
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            // It wants to see one too; its own was seen by then.
        }

        return seen;
    }

    private IHost Client(TestCertificate? certificate, string caFile)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseLocalhostClustering(Silo.GatewayPort, "actorstreams", "embedded");
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            if (certificate is not null)
                client.UseClusterTls(
                    new() { CertificateFile = certificate.CertificateFile, KeyFile = certificate.KeyFile, CaFile = caFile });
        });
        return builder.Build();
    }

    private static async Task<int> AnswersWithoutTlsAsync(NetworkStream stream)
    {
        var (buffer, count) = (new byte[4096], 0);
        try
        {
            while (await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(30)) is var read and > 0)
                count += read;
        }
        catch (IOException)
        {
            // Reset: closed too.
        }

        return count;
    }
}

[Collection(BesideOthersCollection.Name)]
public sealed class CertificateRotationTests : EndToEndTest
{
    [Fact]
    public async Task Certificates_of_API_and_silo_are_replaced_without_a_restart_and_a_broken_one_is_not_used()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync();
        var (http, token) = (silo.Http(silo.Issuer.Token()), silo.Issuer.Token());
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("api/datasets"));
        Assert.Equal(silo.Api.Thumbprint, await SiloTlsTests.ThumbprintAsync(silo.Url.Port));

        var (api, member) = (silo.Authority.Issue("api", ["localhost"]), silo.Authority.Issue("silo", ["actorstreams-silo"]));
        await UntilAsync(
            async () => await SiloTlsTests.ThumbprintAsync(silo.Url.Port) == api.Thumbprint, "the API shows the new certificate");
        await UntilAsync(
            async () => await SiloTlsTests.ThumbprintAsync(silo.SiloPort) == member.Thumbprint, "the silo shows the new certificate");
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.OK, await silo.Http(token).StatusAsync("api/datasets"));

        TestAuthority.Replace(silo.Api.KeyFile, "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n");
        await Task.Delay(500);
        Assert.Equal(api.Thumbprint, await SiloTlsTests.ThumbprintAsync(silo.Url.Port));
        await UntilAsync(
            () => Task.FromResult(silo.Logs.Of("ActorStreams.Tls").Any(line => line.Contains("cannot be used", StringComparison.Ordinal))),
            "a warning");
        Assert.DoesNotContain(silo.Logs.Of("ActorStreams.Tls"), line => line.Contains("PRIVATE KEY", StringComparison.Ordinal));

        // An authority that is taken away is believed no more.
        using var next = new TestAuthority();
        var late = silo.Member.Load();
        Assert.True(await SiloTlsTests.IsBelievedAsync(silo.SiloPort, late));
        TestAuthority.Replace(silo.Authority.CaFile, await File.ReadAllTextAsync(next.CaFile));
        await UntilAsync(async () => !await SiloTlsTests.IsBelievedAsync(silo.SiloPort, late), "the old authority is forgotten");
    }
}
