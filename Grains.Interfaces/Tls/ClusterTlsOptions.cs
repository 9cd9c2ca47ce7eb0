namespace ActorStreams.Grains.Tls;

/// <summary>
/// The certificate of a silo, or of a client of its cluster, and the authorities it trusts. All files are PEM, and are read again when they
/// change.
/// </summary>
public sealed record ClusterTlsOptions
{
    /// <summary>
    /// The certificate, with those between it and its authority. Of a silo it names <c>actorstreams-silo</c>, of a client
    /// <c>actorstreams-client</c>, as DNS names; and it is for servers and clients both.
    /// </summary>
    public required string CertificateFile { get; init; }

    /// <summary>The certificate's key, without a password.</summary>
    public required string KeyFile { get; init; }

    /// <summary>
    /// The authorities of this cluster alone: the holder of a certificate of theirs with the name of a silo is a silo. Several while one
    /// replaces another.
    /// </summary>
    public required string CaFile { get; init; }

    /// <summary>How long the contents of the files are cached, in seconds.</summary>
    public double ReloadSeconds { get; init; } = 10;
}
