using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ActorStreams.Formats;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Tls;

/// <summary>What one side of a connection inside the cluster presents, and what it requires of the other side.</summary>
internal sealed record ClusterIdentity(PemCertificate Own, X509Certificate2Collection Authorities)
{
    /// <summary>The DNS name in every silo's certificate.</summary>
    internal const string SiloName = "actorstreams-silo";

    /// <summary>The DNS name in the certificate of a client of the cluster. It opens gateways, and no silo's port.</summary>
    internal const string ClientName = "actorstreams-client";

    internal const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    internal const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    /// <summary>The identity that the files hold, now and later.</summary>
    /// <exception cref="ArgumentException">A file cannot be read, or does not hold what it should.</exception>
    internal static ReloadedFiles<ClusterIdentity> Open(ClusterTlsOptions options, TimeProvider time, ILogger logger) => new(
        [options.CertificateFile, options.KeyFile, options.CaFile],
        texts => new(
            PemCertificate.Parse(options.CertificateFile, texts[0], options.KeyFile, texts[1]),
            PemAuthorities.Parse(options.CaFile, texts[2])),
        TimeSpan.FromSeconds(options.ReloadSeconds), time, fault => logger.FilesChanged("the cluster", fault));

    /// <summary>Why the other side is not trusted; null when it is.</summary>
    /// <param name="shown">Its certificate.</param>
    /// <param name="sent">What came with it.</param>
    /// <param name="names">The names of which it must have one.</param>
    /// <param name="purpose">What its certificate must be for.</param>
    internal string? FaultOf(X509Certificate? shown, X509Chain? sent, IReadOnlyList<string> names, string purpose)
    {
        if (shown is null)
            return "It shows no certificate.";
        var certificate = shown as X509Certificate2 ?? new X509Certificate2(shown);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        if (sent is not null)
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        if (!chain.Build(certificate))
            return $"Its certificate is not valid here: {string.Join(", ", chain.ChainStatus.Select(status => status.Status))}.";
        return names.Any(name => certificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false)) ? null
            : $"Its certificate does not name {string.Join(" or ", names)}.";
    }
}
