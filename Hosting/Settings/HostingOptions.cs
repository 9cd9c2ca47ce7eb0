using System.ComponentModel.DataAnnotations;
using ActorStreams.Grains.Appends;

namespace ActorStreams.Hosting.Settings;

/// <summary>The silo itself: section <c>Silo</c>, and on the command line <c>--data</c> and <c>--rebuild</c>.</summary>
public sealed class HostingOptions
{
    /// <summary>Where the embedded log and states are kept. One silo at a time.</summary>
    [Required(AllowEmptyStrings = false)]
    public string DataDirectory { get; set; } = "data";

    /// <summary>Forget all states, and fold everything again from the source topics.</summary>
    public bool Rebuild { get; set; }

    /// <summary>The largest record that may be appended: key, value and headers, in bytes.</summary>
    [Range(1, 16 << 20)]
    public int MaxRecordBytes { get; set; } = 1_000_000;

    /// <summary>How long an idempotency key is kept after its append.</summary>
    [Range(1, 8_784)]
    public double IdempotencyKeyHours { get; set; } = 24;

    /// <summary>The longest that a read may wait for a position.</summary>
    [Range(0, 3600)]
    public double MaxReadWaitSeconds { get; set; } = 60;

    /// <summary>States a list gives on one page at most.</summary>
    [Range(1, 100_000)]
    public int MaxListItems { get; set; } = 1_000;

    /// <summary>How often an idle watch sends a sign of life.</summary>
    [Range(0.1, 600)]
    public double WatchHeartbeatSeconds { get; set; } = 15;

    /// <summary>Where the change log is: <c>embedded</c> in the data directory, or <c>kafka</c> (section <c>Kafka</c>).</summary>
    [EnumDataType(typeof(LogKind))]
    public LogKind Log { get; set; }

    /// <summary>Where the states are: <c>sqlite</c> in the data directory, or <c>postgres</c> (section <c>Postgres</c>).</summary>
    [EnumDataType(typeof(StatesKind))]
    public StatesKind States { get; set; }

    /// <summary>
    /// Whether a silo sets up and upgrades the tables in PostgreSQL when it starts. Without, <c>--migrate</c> does it
    /// beforehand, by a role that may.
    /// </summary>
    public bool Migrate { get; set; } = true;

    /// <summary>
    /// The cluster this silo belongs to, where log and states are both shared. Silos of two clusters must not share an
    /// application and a database schema.
    /// </summary>
    [RegularExpression("[A-Za-z0-9._-]{1,100}")]
    public string ClusterId { get; set; } = "actorstreams";

    /// <summary>What the silo is called in logs and on the dashboard; the machine's name and port, when left out.</summary>
    [RegularExpression("[A-Za-z0-9._-]{1,100}")]
    public string? Name { get; set; }

    /// <summary>The IP address at which other silos reach this one. It listens on loopback alone while this is one.</summary>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    /// <summary>The port for other silos; 0 for any free one.</summary>
    [Range(0, 65_535)]
    public int SiloPort { get; set; }

    /// <summary>The port for Orleans clients: services that are trusted like silos. 0: closed.</summary>
    [Range(0, 65_535)]
    public int GatewayPort { get; set; }

    /// <summary>
    /// A port for metrics, dashboard, operations page and dead letters, which the API's port then does not serve; health is at
    /// both. 0: all at the API's port.
    /// </summary>
    [Range(0, 65_535)]
    public int OperationsPort { get; set; }

    /// <summary>
    /// How often silos probe each other, and how long a probe may take. Not below the longest pause of the garbage collector.
    /// </summary>
    [Range(0.1, 60)]
    public double ProbeSeconds { get; set; } = 1;

    /// <summary>Missed probes after which a silo is declared dead.</summary>
    [Range(1, 20)]
    public int MissedProbes { get; set; } = 3;

    /// <summary>
    /// How long a starting silo waits for its log and its store while they are unavailable, before it gives up.
    /// </summary>
    [Range(0, 3600)]
    public double StartWaitSeconds { get; set; } = 240;

    /// <summary>
    /// How long a stopping silo still answers while it reports that it is not ready, so that load balancers remove it.
    /// </summary>
    [Range(0, 600)]
    public double DrainSeconds { get; set; }

    /// <summary>Whether <c>/metrics</c> exposes the metrics in Prometheus' format.</summary>
    public bool MetricsEndpoint { get; set; } = true;

    /// <summary>How long a stopping silo may take for its last checkpoints.</summary>
    [Range(1, 3600)]
    public double ShutdownSeconds { get; set; } = 120;

    internal RecordLimits RecordLimits => new(MaxRecordBytes) { KeyLifetime = TimeSpan.FromHours(IdempotencyKeyHours) };

    /// <summary>The settings before they are checked: which parts there are must be known early.</summary>
    internal static HostingOptions Unchecked(IConfiguration configuration) =>
        configuration.GetSection("Silo").Get<HostingOptions>() ?? new();

    /// <summary>Several silos share the partitions where they share the log and the states.</summary>
    internal bool IsCluster => Log == LogKind.Kafka && States == StatesKind.Postgres;
}

/// <summary>Where the change log is.</summary>
public enum LogKind
{
    /// <summary>A file of this silo.</summary>
    Embedded,

    /// <summary>Kafka.</summary>
    Kafka,
}

/// <summary>Where the states are.</summary>
public enum StatesKind
{
    /// <summary>A file of this silo.</summary>
    Sqlite,

    /// <summary>PostgreSQL.</summary>
    Postgres,
}
