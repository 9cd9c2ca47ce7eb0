namespace ActorStreams.Grains.Tls;

/// <summary>With what a silo, or a client of its cluster, shows who it is, and whom it believes. All files are PEM, and are read again when they change.</summary>
public sealed record ClusterTlsOptions
{
    /// <summary>The certificate, with those between it and its authority. Of a silo it names <c>actorstreams-silo</c>, of a client <c>actorstreams-client</c>, as DNS names; and it is for servers and clients both.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>The certificate's key, without a password.</summary>
    public required string KeyFile { get; init; }

    /// <summary>The authorities of this cluster, and no other: whoever has a certificate of theirs with the name of a silo is one. Several while one takes over from another.</summary>
    public required string CaFile { get; init; }

    /// <summary>How long what was read of the files is taken for true, in seconds.</summary>
    public double ReloadSeconds { get; init; } = 10;
}
