using ActorStreams.Hosting.Security.Tokens;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Authorization;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// The answer to a caller without the right: 401 if it is unknown, 403 if it is known, with the remedy. A browser gets a page to enter a
/// token.
/// </summary>
internal sealed class Refusal : IAuthorizationMiddlewareResultHandler
{
    private const string NoToken = "No token came. Send one as 'Authorization: Bearer TOKEN'.";

    public Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
            return next(context);
        if (authorizeResult.Challenged || context.User.Identity?.IsAuthenticated != true)
            return ChallengeAsync(context);
        var reasons = authorizeResult.AuthorizationFailure?.FailureReasons.Select(reason => reason.Message).Distinct() ?? [];
        return WriteAsync(context, StatusCodes.Status403Forbidden, "Not allowed", string.Join(' ', reasons));
    }

    private static Task ChallengeAsync(HttpContext http)
    {
        var fault = TokenRules.FaultOf(http);
        http.Response.Headers.WWWAuthenticate = fault is null ? "Bearer" : "Bearer error=\"invalid_token\"";
        if (SignIn.IsAsked(http))
            return SignIn.WriteAsync(http, fault);
        return WriteAsync(http, StatusCodes.Status401Unauthorized, "Who are you?", fault ?? NoToken);
    }

    internal static async Task WriteAsync(HttpContext http, int status, string title, string detail)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.CacheControl = "no-store";
        await http.RequestServices.GetRequiredService<IProblemDetailsService>()
            .TryWriteAsync(new() { HttpContext = http, ProblemDetails = new() { Status = status, Title = title, Detail = detail } });
    }
}
