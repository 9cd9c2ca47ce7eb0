using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Tls;

/// <summary>
/// TLS under Orleans' own protocol, where both sides present a certificate of the cluster's authority. No message is read before the other
/// side is trusted. A connection that is not trusted is closed without an answer, and logged at most once in a while.
/// </summary>
internal sealed class MutualTls(
    ReloadedFiles<ClusterIdentity> identity, IReadOnlyList<string> peers, bool isServer, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ToldEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private long? _told;
    private int _untold;

    /// <summary>Puts itself between the connection and what is built next.</summary>
    internal void AddTo(IConnectionBuilder builder) => builder.Use(next => context => RunAsync(context, next));

    private async Task RunAsync(ConnectionContext context, ConnectionDelegate next)
    {
        var inner = context.Transport;
        await using var raw = new PipeStream(inner);
        await using var ssl = new SslStream(raw, leaveInnerStreamOpen: true);
        if (!await ShakeHandsAsync(context, ssl))
            return;
        var transport = new Secured(PipeReader.Create(ssl, new(leaveOpen: true)), PipeWriter.Create(ssl, new(leaveOpen: true)));
        context.Transport = transport;
        try
        {
            await next(context);
        }
        finally
        {
            await EndAsync(transport);
            context.Transport = inner;
        }
    }

    private async Task<bool> ShakeHandsAsync(ConnectionContext context, SslStream ssl)
    {
        var (who, fault) = (identity.Value, (string?)null);
        using var limit = new CancellationTokenSource(HandshakeTimeout, time);
        try
        {
            if (isServer)
                await ssl.AuthenticateAsServerAsync(ServerOptions(who, Believe), limit.Token);
            else
                await ssl.AuthenticateAsClientAsync(ClientOptions(who, Believe), limit.Token);
            return true;
        }
        catch (Exception error)
        {
            // Any failure here means that there is no connection, and no other code would log it.
            Tell(context, fault
                ?? (error is OperationCanceledException
                    ? $"No handshake within {HandshakeTimeout.TotalSeconds:0} s."
                    : $"No TLS handshake: {error.Message}"));
            context.Abort();
            return false;
        }

        bool Believe(object sender, X509Certificate? shown, X509Chain? sent, SslPolicyErrors errors) =>
            (fault = who.FaultOf(shown, sent, peers, isServer ? ClusterIdentity.ClientPurpose : ClusterIdentity.ServerPurpose)) is null;
    }

    private static SslServerAuthenticationOptions ServerOptions(ClusterIdentity who, RemoteCertificateValidationCallback believe) => new()
    {
        ServerCertificateContext = who.Own.Context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        // Every connection is looked at anew: an authority may have been taken away since.
        AllowTlsResume = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = believe,
    };

    private static SslClientAuthenticationOptions ClientOptions(ClusterIdentity who, RemoteCertificateValidationCallback believe) => new()
    {
        TargetHost = ClusterIdentity.SiloName,
        ClientCertificateContext = who.Own.Context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowTlsResume = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = believe,
    };

    private static async Task EndAsync(Secured transport)
    {
        try
        {
            await transport.Output.CompleteAsync();
            await transport.Input.CompleteAsync();
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or ObjectDisposedException)
        {
            // The other side was faster.
        }
    }

    /// <summary>A client that connects again and again must not fill the log.</summary>
    private void Tell(ConnectionContext context, string reason)
    {
        int others;
        lock (_gate)
        {
            if (_told is { } last && time.GetElapsedTime(last) < ToldEvery)
            {
                _untold++;
                return;
            }

            (_told, others, _untold) = (time.GetTimestamp(), _untold, 0);
        }

        logger.PeerRefused(isServer ? "from" : "to", context.RemoteEndPoint?.ToString(), reason, others);
    }

    private sealed class Secured(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
