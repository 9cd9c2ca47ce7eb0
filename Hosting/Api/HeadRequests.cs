using ActorStreams.Hosting.Security;

namespace ActorStreams.Hosting.Api;

/// <summary>HEAD answers as GET does, without the body. A watch has no end, so there is no HEAD of one.</summary>
internal static class HeadRequests
{
    internal static void UseHead(this WebApplication app)
    {
        app.Use(async (http, next) =>
        {
            if (!HttpMethods.IsHead(http.Request.Method) || AccessRules.GoesOn(http))
            {
                await next(http);
                return;
            }

            http.Request.Method = HttpMethods.Get;
            // The server leaves the body out by the method that it finds when the answer begins.
            http.Response.OnStarting(() =>
            {
                http.Request.Method = HttpMethods.Head;
                return Task.CompletedTask;
            });
            await next(http);
        });
        // Here, and not where the framework would put it: before the method is changed.
        app.UseRouting();
    }
}
