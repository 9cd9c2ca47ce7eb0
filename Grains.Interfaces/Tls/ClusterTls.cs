using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace ActorStreams.Grains.Tls;

/// <summary>TLS for clients of a cluster whose silos require certificates.</summary>
public static class ClusterTls
{
    internal const string Category = "ActorStreams.Tls";

    /// <summary>Presents a certificate to gateways, and trusts only silos of the same authority.</summary>
    /// <exception cref="ArgumentException">When the client starts: a file cannot be read, or does not hold what it should.</exception>
    public static IClientBuilder UseClusterTls(this IClientBuilder client, ClusterTlsOptions options)
    {
        client.Services.AddOptions<ClientConnectionOptions>().Configure<ILoggerFactory>((connections, loggers) =>
        {
            var logger = loggers.CreateLogger(Category);
            var tls = new MutualTls(
                ClusterIdentity.Open(options, TimeProvider.System, logger), [ClusterIdentity.SiloName], isServer: false,
                TimeProvider.System, logger);
            connections.ConfigureConnection(tls.AddTo);
        });
        return client;
    }
}
