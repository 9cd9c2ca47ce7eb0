using ActorStreams.Grains.Tls;
using ActorStreams.Hosting.Settings;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace ActorStreams.Hosting.Clustering;

/// <summary>Mutual TLS between silos, and for clients at the gateway, where <c>Security:Silo</c> names certificates.</summary>
internal static class SiloTls
{
    internal static void AddSiloTls(this ISiloBuilder silo)
    {
        if (string.IsNullOrEmpty(silo.Configuration["Security:Silo:CertificateFile"]))
            return;
        silo.Services.AddOptions<SiloConnectionOptions>()
            .Configure<IOptions<SecurityOptions>, ILoggerFactory, TimeProvider>((connections, security, loggers, time) =>
            {
                var logger = loggers.CreateLogger(ClusterTls.Category);
                var identity = ClusterIdentity.Open(security.Value.ClusterTls(), time, logger);
                connections.ConfigureSiloInboundConnection(
                    new MutualTls(identity, [ClusterIdentity.SiloName], isServer: true, time, logger).AddTo);
                connections.ConfigureGatewayInboundConnection(
                    new MutualTls(identity, [ClusterIdentity.ClientName, ClusterIdentity.SiloName], isServer: true, time, logger).AddTo);
                connections.ConfigureSiloOutboundConnection(
                    new MutualTls(identity, [ClusterIdentity.SiloName], isServer: false, time, logger).AddTo);
            });
    }
}
