using System.Text.Json.Serialization;

namespace ActorStreams.Protocol;

/// <summary>What a health check finds.</summary>
[JsonConverter(typeof(WordConverter<HealthState>))]
public enum HealthState
{
    /// <summary>A state that this version does not know.</summary>
    Unknown,

    /// <summary>The process answers.</summary>
    Live,

    /// <summary>The silo has not started yet.</summary>
    Starting,

    /// <summary>The silo has started once.</summary>
    Started,

    /// <summary>The silo answers requests.</summary>
    Ready,

    /// <summary>Requests are to be sent to another silo.</summary>
    [JsonStringEnumMemberName("not ready")]
    NotReady,
}

/// <summary>The health of a silo.</summary>
/// <param name="Status">What the check found.</param>
/// <param name="Reason">Why the silo is not ready or not started; null when it is.</param>
/// <param name="Troubles">Partitions that do not fold, and why.</param>
public sealed record HealthInfo(HealthState Status, string? Reason, IReadOnlyList<string> Troubles)
{
    /// <summary>Whether it is ready.</summary>
    [JsonIgnore]
    public bool IsReady => Status == HealthState.Ready;
}
