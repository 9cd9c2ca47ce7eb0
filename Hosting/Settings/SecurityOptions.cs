using System.ComponentModel.DataAnnotations;
using ActorStreams.Grains.Tls;

namespace ActorStreams.Hosting.Settings;

/// <summary>Access to the silo: section <c>Security</c>. All files are read again when they change.</summary>
public sealed class SecurityOptions
{
    /// <summary>How strict the silo is. Left out: <c>Development</c> where it listens on loopback alone, else <c>Production</c>.</summary>
    public SecurityProfile? Profile { get; set; }

    /// <summary>The issuer of tokens, and how they are checked.</summary>
    public JwtOptions Jwt { get; set; } = new();

    /// <summary>TLS of the API and of the operations port.</summary>
    public TlsOptions Tls { get; set; } = new();

    /// <summary>TLS between silos.</summary>
    public SiloTlsOptions Silo { get; set; } = new();

    /// <summary>The limits of a single client.</summary>
    public LimitsOptions Limits { get; set; } = new();

    /// <summary>Kafka without TLS is meant: something else protects the way there.</summary>
    public bool AllowPlaintextKafka { get; set; }

    /// <summary>True: PostgreSQL deliberately without TLS, or without a check of the server's name.</summary>
    public bool AllowPlaintextPostgres { get; set; }

    /// <summary>How long the contents of a file are cached.</summary>
    [Range(0.05, 3600)]
    public double ReloadSeconds { get; set; } = 10;

    internal ClusterTlsOptions ClusterTls() => new()
    {
        CertificateFile = Silo.CertificateFile ?? "", KeyFile = Silo.KeyFile ?? Silo.CertificateFile ?? "", CaFile = Silo.CaFile ?? "",
        ReloadSeconds = ReloadSeconds,
    };
}

/// <summary>How strict the silo is.</summary>
public enum SecurityProfile
{
    /// <summary>Open to every caller: for one machine.</summary>
    Development,

    /// <summary>
    /// Starts only if everything that leaves the machine is encrypted and every caller is authenticated, or if the settings state that
    /// something else does that.
    /// </summary>
    Production,
}

/// <summary>Tokens (JWT): either an authority that publishes its keys, or a file with them.</summary>
public sealed class JwtOptions
{
    /// <summary>The issuer, an <c>https</c> URL under which it publishes its OpenID configuration.</summary>
    public string? Authority { get; set; }

    /// <summary>A JSON Web Key Set with public keys, where no authority can be reached.</summary>
    public string? SigningKeysFile { get; set; }

    /// <summary>The audience that tokens must be for.</summary>
    public string? Audience { get; set; }

    /// <summary>
    /// The issuer that tokens must name. With an authority it is the authority's own; with a file of keys it is not
    /// looked at unless it is given here.
    /// </summary>
    public string? Issuer { get; set; }

    internal bool IsConfigured => !string.IsNullOrEmpty(Authority) || !string.IsNullOrEmpty(SigningKeysFile);
}

/// <summary>TLS towards clients.</summary>
public sealed class TlsOptions
{
    /// <summary>
    /// The certificate as PEM, with those between it and its authority. All listeners of API and operations then
    /// speak TLS, whatever their URLs say.
    /// </summary>
    public string? CertificateFile { get; set; }

    /// <summary>Its key as PEM; left out when it is in the certificate's file.</summary>
    public string? KeyFile { get; set; }

    /// <summary>A proxy or mesh in front of the silo terminates TLS, and no client can bypass it.</summary>
    public bool TerminatedUpstream { get; set; }
}

/// <summary>Mutual TLS between silos.</summary>
public sealed class SiloTlsOptions
{
    /// <summary>The silos' certificate as PEM, for the DNS name <c>actorstreams-silo</c>, for servers and clients both.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Its key as PEM; left out when it is in the certificate's file.</summary>
    public string? KeyFile { get; set; }

    /// <summary>The authorities of this cluster alone, as PEM.</summary>
    public string? CaFile { get; set; }

    /// <summary>No TLS between silos is meant: a mesh or the network encrypts.</summary>
    public bool Insecure { get; set; }
}

/// <summary>The limits of a single client: the subject of a token, or an address if there is none.</summary>
public sealed class LimitsOptions
{
    /// <summary>
    /// Requests a second; as many may come at once. 0: any number. Left out: 5,000 in production, any number in development.
    /// </summary>
    [Range(0, 10_000_000)]
    public int? RequestsPerSecond { get; set; }

    /// <summary>
    /// Watches, and followers of topics, at the same time on one silo. 0: any number. Left out: 1,000 in
    /// production, any number in development.
    /// </summary>
    [Range(0, 1_000_000)]
    public int? WatchesPerClient { get; set; }

    /// <summary>The longest body of one append, in bytes; all other bodies have at most <see cref="MaxOtherBodyBytes"/>.</summary>
    [Range(1 << 10, 1L << 40)]
    public long MaxAppendBytes { get; set; } = 1L << 30;

    /// <summary>How long nothing of an append's body may come before the append is given up.</summary>
    [Range(1, 86_400)]
    public double BodyIdleSeconds { get; set; } = 60;

    /// <summary>How long the headers of a request may take to come.</summary>
    [Range(1, 600)]
    public double HeaderSeconds { get; set; } = 10;

    /// <summary>All headers of a request together, in bytes.</summary>
    [Range(1 << 10, 1 << 20)]
    public int MaxHeaderBytes { get; set; } = 32 << 10;

    internal const long MaxOtherBodyBytes = 1 << 20;

    internal const int ProductionRequestsPerSecond = 5_000;
    internal const int ProductionWatchesPerClient = 1_000;
}
