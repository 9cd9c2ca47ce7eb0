using System.Security.Claims;

namespace ActorStreams.Hosting.Security;

/// <summary>Who a caller is, for limits and for the audit log.</summary>
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

    /// <summary>The same in one line of a log: nobody can write a second one by their name.</summary>
    internal static string Printable(string text) =>
        string.Concat((text.Length > MaxLength
            ? text[..MaxLength] + "…"
            : text).Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? '?' : c));
}
