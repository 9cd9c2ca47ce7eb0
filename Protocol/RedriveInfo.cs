using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>
/// Which dead letters to redrive: exactly one of <paramref name="Ids"/>, <paramref name="Dataset"/> and <paramref name="All"/>.
/// </summary>
/// <param name="Ids">These dead letters.</param>
/// <param name="Dataset">All open ones of this dataset.</param>
/// <param name="All">All that are open.</param>
/// <param name="DryRun">Answer what would be done, and do nothing. Default: false with ids, true otherwise.</param>
/// <param name="Limit">The most that are redriven.</param>
/// <param name="From">The next of the answer before.</param>
/// <param name="Until">The end of the first answer.</param>
/// <param name="WaitSeconds">How long to wait for them to be folded.</param>
/// <param name="Dismissed">With ids: also those that are dismissed. A filter never includes them.</param>
public sealed record RedriveRequest(
    IReadOnlyList<string>? Ids = null, string? Dataset = null, bool? All = null, bool? DryRun = null, int? Limit = null, long? From = null,
    long? Until = null,
    double? WaitSeconds = null, bool? Dismissed = null);

/// <summary>What a redrive did, or would do.</summary>
/// <param name="DryRun">Whether nothing was done.</param>
/// <param name="Appended">What was appended again, or would be.</param>
/// <param name="Done">Those that had been folded before.</param>
/// <param name="Refused">Those that cannot be redriven.</param>
/// <param name="Next">The offset at which the next request begins; null when nothing is left.</param>
/// <param name="End">The offset at which all requests of this redrive end.</param>
public sealed record RedriveInfo(
    bool DryRun, IReadOnlyList<RedrivenInfo> Appended, IReadOnlyList<string> Done, IReadOnlyList<RefusedRedrive> Refused, long? Next,
    long? End);

/// <summary>What has become of a dead letter that was appended again.</summary>
[JsonConverter(typeof(WordConverter<RedriveOutcome>))]
public enum RedriveOutcome
{
    /// <summary>It would be appended: a dry run.</summary>
    Planned,

    /// <summary>It is appended, and not yet folded.</summary>
    Pending,

    /// <summary>It is folded.</summary>
    Folded,

    /// <summary>It was set aside again.</summary>
    [JsonStringEnumMemberName("failed again")]
    FailedAgain,
}

/// <summary>A dead letter that was appended again.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Position">Where it was appended; null in a dry run.</param>
/// <param name="Outcome">What has become of it.</param>
public sealed record RedrivenInfo(
    string Id, [property: JsonConverter(typeof(PositionConverter))] Position? Position, RedriveOutcome Outcome);

/// <summary>A dead letter that cannot be redriven.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Reason">Why not, and the remedy.</param>
public sealed record RefusedRedrive(string Id, string Reason);

/// <summary>
/// Which dead letters to dismiss: exactly one of <paramref name="Ids"/>, <paramref name="Dataset"/> and <paramref name="All"/>.
/// </summary>
/// <param name="Reason">Why, in up to 500 characters.</param>
/// <param name="Ids">These dead letters.</param>
/// <param name="Dataset">All of this dataset that are open or unknown.</param>
/// <param name="All">All that are open or unknown.</param>
/// <param name="DryRun">Answer what would be done, and do nothing. Default: false with ids, true otherwise.</param>
/// <param name="Limit">The most that are dismissed.</param>
/// <param name="From">The next of the answer before.</param>
/// <param name="Until">The end of the first answer.</param>
public sealed record DismissRequest(
    string? Reason, IReadOnlyList<string>? Ids = null, string? Dataset = null, bool? All = null, bool? DryRun = null, int? Limit = null,
    long? From = null, long? Until = null);

/// <summary>What was dismissed, or would be.</summary>
/// <param name="DryRun">Whether nothing was done.</param>
/// <param name="Dismissed">Those that are dismissed, or would be.</param>
/// <param name="Done">Those that had been dismissed before.</param>
/// <param name="Refused">Those that cannot be dismissed.</param>
/// <param name="Next">The offset at which the next request begins; null when nothing is left.</param>
/// <param name="End">The offset at which all requests of this dismissal end.</param>
public sealed record DismissInfo(
    bool DryRun, IReadOnlyList<string> Dismissed, IReadOnlyList<string> Done, IReadOnlyList<RefusedRedrive> Refused, long? Next, long? End);

/// <summary>A dismissal.</summary>
/// <param name="By">Who dismissed it; <c>(unknown)</c> where the silo wants no token.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why.</param>
public sealed record DismissalInfo(string By, DateTimeOffset At, string Reason);
