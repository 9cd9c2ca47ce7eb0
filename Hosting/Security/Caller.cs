using System.Security.Claims;

namespace ActorStreams.Hosting.Security;

/// <summary>The identity of a caller, for limits and for the audit log.</summary>
internal static class Caller
{
    private const int MaxLength = 200;

    /// <summary>The first that issuers name a person or program by.</summary>
    private static readonly string[] Names = ["sub", "client_id", "azp", "appid"];

    /// <summary>The subject of a token that was valid; null when there was none.</summary>
    internal static string? SubjectOf(ClaimsPrincipal user) =>
        user.Identity?.IsAuthenticated == true
            ? Names.Select(name => user.FindFirst(name)?.Value).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "(no subject)"
            : null;

    /// <summary>The same in one line of a log: a name cannot contain a line end.</summary>
    internal static string Printable(string text) =>
        string.Concat((text.Length > MaxLength
            ? text[..MaxLength] + "…"
            : text).Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? '?' : c));
}
