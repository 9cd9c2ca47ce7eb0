using System.IO.Enumeration;
using System.Security.Claims;
using ActorStreams.Definitions;
using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Security.Tokens;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// What the caller of a request may do: by the scopes of its token (<c>scope</c> or <c>scp</c>), and the datasets it is for
/// (<c>datasets</c>; without that claim all).
/// </summary>
internal sealed class Access
{
    private readonly Topology _topology;
    private readonly HashSet<string> _scopes;
    private readonly string[]? _datasets;
    private readonly bool _open;

    private Access(ClaimsPrincipal user, Topology topology, bool open)
    {
        (_topology, _open) = (topology, open);
        _scopes = [.. Words(user, "scope"), .. Words(user, "scp")];
        _datasets = !open && user.HasClaim(claim => claim.Type == TokenRules.DatasetsClaim)
            ? [.. Words(user, TokenRules.DatasetsClaim)]
            : null;
    }

    /// <summary>A token for some datasets only.</summary>
    internal bool IsRestricted => _datasets is not null;

    internal static Access Of(HttpContext http) =>
        new(http.User, http.RequestServices.GetRequiredService<Topology>(), !http.RequestServices.GetRequiredService<Posture>().NeedsToken);

    /// <summary>Why a request of this known caller is refused; null when it is not.</summary>
    internal string? FaultOf(Need need)
    {
        if (_open || need.Kind is AccessKind.Open or AccessKind.Token)
            return null;
        string[] enough = need.Kind switch
        {
            AccessKind.Read => [Policies.Read],
            AccessKind.Watch => [Policies.Watch],
            AccessKind.Append => [Policies.Append],
            AccessKind.Metrics => [Policies.Metrics, Policies.Operate],
            _ => [Policies.Operate],
        };
        if (!enough.Any(_scopes.Contains))
            return $"This needs the scope {string.Join(" or ", enough)}, which the token does not have.";
        if (need.Kind == AccessKind.Operate && IsRestricted)
            return "Operating concerns all datasets, but the token is for some (claim datasets).";
        if (need.Topic is { } named && FaultOfTopic(named) is { } fault)
            return fault;
        if (need.Dataset is { } dataset && !AllowsDataset(dataset))
            return $"The token is not for the dataset '{dataset}' (claim datasets).";
        return need.Topic is { } topic && !AllowsTopic(topic)
            ? $"The token is not for the topic '{topic}', nor for all that flows through it (claim datasets)."
            : null;
    }

    /// <summary>
    /// Dead letters have a right of their own, since they hold records of all datasets. What is no topic of the topology is for operators.
    /// </summary>
    private string? FaultOfTopic(string topic)
    {
        if (_topology.DeadLetterTopic == topic)
        {
            return _scopes.Contains(Policies.DeadLetters) || _scopes.Contains(Policies.Operate)
                ? null : $"Dead letters need the scope {Policies.DeadLetters} or {Policies.Operate}, which the token does not have.";
        }

        return _topology.Datasets.Any(dataset => dataset.Topic == topic) || _scopes.Contains(Policies.Operate)
            ? null : $"'{topic}' is no topic of the topology, and others need the scope {Policies.Operate}, which the token does not have.";
    }

    /// <summary>Those of a list of datasets that the token is for.</summary>
    internal IEnumerable<T> Datasets<T>(IEnumerable<T> all, Func<T, string> nameOf) => all.Where(one => AllowsDataset(nameOf(one)));

    /// <summary>Those of a list of topics that the token is for.</summary>
    internal IEnumerable<T> Topics<T>(IEnumerable<T> all, Func<T, string> nameOf) => all.Where(one => AllowsTopic(nameOf(one)));

    /// <summary>
    /// Whether the token is for a dataset. One that is restricted is for none that do not exist: it is not to find out which do.
    /// </summary>
    private bool AllowsDataset(string name) => !IsRestricted || (Matches(name) && _topology.TryGet(name, out _));

    /// <summary>
    /// Whether the token is for a topic: by its name, or since it is for every dataset whose records or changes the topic has. A view's
    /// input log has its sources' changes.
    /// </summary>
    private bool AllowsTopic(string topic)
    {
        if (!IsRestricted || Matches(topic))
            return true;
        var through = _topology.Datasets.Where(dataset => dataset.Topic == topic)
            .SelectMany(dataset => dataset.Sources.Append(dataset)).ToList();
        return through.Count > 0 && through.TrueForAll(dataset => Matches(dataset.Name));
    }

    private bool Matches(string name) =>
        _datasets!.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    private static IEnumerable<string> Words(ClaimsPrincipal user, string type) =>
        user.FindAll(type).SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
