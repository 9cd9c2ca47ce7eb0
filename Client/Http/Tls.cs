using System.Security.Cryptography.X509Certificates;
using ActorStreams.Formats;

namespace ActorStreams.Client.Http;

/// <summary>The certificates that a client accepts of a silo.</summary>
internal static class Tls
{
    /// <summary>A handler that trusts only the authorities of a file; without one, those of the machine.</summary>
    /// <exception cref="ArgumentException">The file holds no certificate.</exception>
    internal static SocketsHttpHandler Handler(string? caFile)
    {
        var handler = new SocketsHttpHandler();
        if (caFile is null)
            return handler;
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(PemAuthorities.Parse(caFile, File.ReadAllText(caFile)));
        handler.SslOptions.CertificateChainPolicy = policy;
        return handler;
    }
}
