using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication.JwtBearer;

namespace ActorStreams.Hosting.Security.Tokens;

/// <summary>
/// For people with a browser, which sends no header by itself: a page opened without a token asks for one, and keeps it in a cookie that
/// no script can read and no other site can use. What changes something is taken with that cookie only from our own pages.
/// </summary>
internal static class SignIn
{
    internal static readonly PathString Path = "/sign-in";

    /// <summary>The prefix makes browsers take it from this host alone, and only over TLS (or on their own machine).</summary>
    private const string Cookie = "__Host-actorstreams-token";
    private const string TokenField = "token";
    private const string BackField = "back";

    internal static void MapSignIn(this IEndpointRouteBuilder app) => app.MapPost(Path, async (HttpContext http) =>
    {
        // A caller that reaches this has presented a valid token, by the form or by a header.
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        if (form[TokenField].FirstOrDefault() is { } token)
            http.Response.Cookies.Append(
                Cookie, token.Trim(),
                new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true });
        var back = form[BackField].FirstOrDefault();
        return Results.Redirect(IsLocal(back) ? back! : "/");
    }).ExcludeFromDescription();

    /// <summary>The token of the sign-in form, or of the cookie, where no header has one.</summary>
    internal static async Task TakeTokenAsync(MessageReceivedContext message)
    {
        var request = message.Request;
        if (request.Headers.Authorization.Count > 0)
            return;
        var reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (!reads && request.Headers["Sec-Fetch-Site"] != "same-origin")
            return;
        message.Token = request.Path == Path && HttpMethods.IsPost(request.Method) && request.HasFormContentType
            ? (await request.ReadFormAsync(message.HttpContext.RequestAborted))[TokenField].FirstOrDefault()?.Trim()
            : request.Cookies[Cookie];
    }

    /// <summary>Whether a person requests a page.</summary>
    internal static bool IsAsked(HttpContext http) =>
        (HttpMethods.IsGet(http.Request.Method) || http.Request.Path == Path)
            && http.Request.GetTypedHeaders().Accept.Any(accept => accept.MediaType == "text/html");

    /// <summary>The page, with status 401: it is the answer to a request that is refused.</summary>
    internal static Task WriteAsync(HttpContext http, string? fault)
    {
        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
        var back = http.Request.Path == Path ? "/" : http.Request.PathBase.Add(http.Request.Path).ToUriComponent();
        return http.Response.WriteAsync($$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>ActorStreams: sign in</title>
            <style>
              :root { color-scheme: light dark; }
              body { font: 15px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 10vh auto; padding: 0 1rem; }
              h1 { font-size: 1.4rem; }
              textarea { width: 100%; box-sizing: border-box; font: 12px monospace; }
              button { margin-top: .6rem; padding: .4rem 1rem; font: inherit; }
              .fault { font-weight: 600; }
            </style></head><body>
            <h1>ActorStreams</h1>
            <p>This page needs a token. Paste the one that your issuer gave you; it stays in this browser until you close it.</p>
            <p class="fault">{{HtmlEncoder.Default.Encode(fault ?? "")}}</p>
            <form method="post" action="{{Path}}"><input type="hidden" name="{{BackField}}" value="{{HtmlEncoder.Default.Encode(back)}}">
            <label>Token<textarea name="{{TokenField}}" rows="6" required autocomplete="off" spellcheck="false"></textarea></label>
            <button>Sign in</button></form>
            </body></html>
            """, http.RequestAborted);
    }

    private static bool IsLocal(string? path) => path is ['/', ..] && path is not ['/', '/' or '\\', ..] && !path.Any(char.IsControl);
}
