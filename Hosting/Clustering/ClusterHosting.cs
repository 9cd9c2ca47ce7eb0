using System.Net.Sockets;
using System.Net;
using ActorStreams.Grains.Placement;
using ActorStreams.Hosting.Settings;
using ActorStreams.Storage.Postgres;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace ActorStreams.Hosting.Clustering;

/// <summary>
/// The Orleans side of the host. Where log and states are shared, silos form a cluster: membership, the owners of partitions and reminders
/// are kept in the states' database. Otherwise a silo is alone, and nothing of it can be reached from outside.
/// </summary>
internal static class ClusterHosting
{
    private const string ServiceId = "actorstreams";
    private const string Invariant = "Npgsql";

    internal static void AddSilo(ISiloBuilder silo)
    {
        var options = HostingOptions.Unchecked(silo.Configuration);
        if (options.IsCluster)
            AddMembers(silo, options);
        else
            AddAlone(silo, options);
        // The default directory forgets what a dead silo knew, and ends the activations of others for it: their partitions would all begin
        // again.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // After a crash the directory would let nothing of the dead silo begin elsewhere for some 20 s, in case it still runs. A
        // checkpoint's condition and the ETag of grain storage do that here, so no call has to wait.
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        silo.Configure<GrainCollectionOptions>(collection =>
            (collection.CollectionQuantum, collection.CollectionAge) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)));
        silo.AddDashboard(dashboard => dashboard.HideTrace = true);
        silo.AddActivityPropagation();
        silo.AddSiloTls();
    }

    private static void AddAlone(ISiloBuilder silo, HostingOptions options)
    {
        silo.UseLocalhostClustering(PortOf(options), options.GatewayPort, serviceId: ServiceId, clusterId: "embedded");
        silo.Configure<EndpointOptions>(
            endpoints => (endpoints.AdvertisedIPAddress, endpoints.GatewayPort) = (IPAddress.Loopback, options.GatewayPort));
        silo.AddMemoryGrainStorage(PlacementGrain.Storage);
    }

    private static void AddMembers(ISiloBuilder silo, HostingOptions options)
    {
        var (address, port) = (IPAddress.Parse(options.AdvertisedAddress), PortOf(options));
        silo.ConfigureEndpoints(address, port, options.GatewayPort, listenOnAnyHostAddress: !IPAddress.IsLoopback(address));
        silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (ServiceId, options.ClusterId));
        silo.Configure<Orleans.Configuration.SiloOptions>(names => names.SiloName = options.Name ?? $"{Environment.MachineName}-{port}");
        silo.Configure<ClusterMembershipOptions>(members =>
        {
            members.ProbeTimeout = TimeSpan.FromSeconds(options.ProbeSeconds);
            members.NumMissedProbesLimit = options.MissedProbes;
            members.TableRefreshTimeout = TimeSpan.FromSeconds(10);
            // A silo whose sign of life is old does not count among those whose votes are needed. Else the last of three could not have the
            // others declared dead, if both died at once.
            (members.IAmAliveTablePublishTimeout, members.NumMissedTableIAmAliveLimit) = (TimeSpan.FromSeconds(5), 2);
        });
        silo.UseAdoNetClustering(database => database.Invariant = Invariant);
        silo.AddAdoNetGrainStorage(PlacementGrain.Storage, database => database.Invariant = Invariant);
        silo.UseAdoNetReminderService(database => database.Invariant = Invariant);
        // One pool for all of them, made when all settings have been checked; its password may come from a file.
        silo.Services.AddSingleton(provider => PostgresConnections.Orleans(provider.GetRequiredService<IOptions<PostgresOptions>>().Value));
        silo.Services.AddOptions<AdoNetClusteringSiloOptions>().Configure<NpgsqlDataSource>((database, pool) => database.DataSource = pool);
        silo.Services.AddOptions<AdoNetGrainStorageOptions>(PlacementGrain.Storage)
            .Configure<NpgsqlDataSource>((database, pool) => database.DataSource = pool);
        silo.Services.AddOptions<AdoNetReminderTableOptions>().Configure<NpgsqlDataSource>((database, pool) => database.DataSource = pool);
    }

    private static int PortOf(HostingOptions options) => options.SiloPort > 0 ? options.SiloPort : FreePort();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
