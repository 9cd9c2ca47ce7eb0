using System.ComponentModel.DataAnnotations;

namespace ActorStreams.Silo;

/// <summary>The silo itself: section <c>Silo</c>, and on the command line <c>--data</c> and <c>--rebuild</c>.</summary>
public sealed class SiloOptions
{
    /// <summary>Where the embedded log and states are kept. One silo at a time.</summary>
    [Required(AllowEmptyStrings = false)]
    public string DataDirectory { get; set; } = "data";

    /// <summary>Forget all states, and fold everything again from the source topics.</summary>
    public bool Rebuild { get; set; }

    /// <summary>The largest record that may be appended: key, value and headers, in bytes.</summary>
    [Range(1, 16 << 20)]
    public int MaxRecordBytes { get; set; } = 1 << 20;

    /// <summary>The longest that a read may wait for a position.</summary>
    [Range(0, 3600)]
    public double MaxReadWaitSeconds { get; set; } = 60;

    /// <summary>States a list gives on one page at most.</summary>
    [Range(1, 100_000)]
    public int MaxListItems { get; set; } = 1_000;

    /// <summary>How often an idle watch sends a sign of life.</summary>
    [Range(0.1, 600)]
    public double WatchHeartbeatSeconds { get; set; } = 15;

    /// <summary>The port for other silos; 0 for any free one.</summary>
    [Range(0, 65_535)]
    public int SiloPort { get; set; }

    /// <summary>How long a stopping silo may take for its last checkpoints.</summary>
    [Range(1, 3600)]
    public double ShutdownSeconds { get; set; } = 120;
}
