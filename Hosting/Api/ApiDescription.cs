using System.Globalization;
using ActorStreams.Hosting.Security.Listening;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ActorStreams.Hosting.Api;

/// <summary>Describes what every endpoint has in common: tokens, refusals, limits, and watches as event streams.</summary>
internal static class ApiDescription
{
    private const string Bearer = "bearer";

    private static readonly (int Status, string Says)[] Refusals =
    [
        (StatusCodes.Status401Unauthorized, "No token, or one that is not valid."),
        (StatusCodes.Status403Forbidden, "The token is not for this, or a page of another site asks."),
        (StatusCodes.Status429TooManyRequests, "The client asks too much at once; Retry-After says when to come back."),
    ];

    internal static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", openApi =>
    {
        openApi.AddDocumentTransformer((document, context, _) =>
        {
            document.Info.Title = "ActorStreams";
            document.Info.Description =
                "Entities and derived views, folded from the change log. Queries go to the grains; there is no serving store.";
            if (context.ApplicationServices.GetRequiredService<Posture>().NeedsToken)
                AddSecurity(document);
            return Task.CompletedTask;
        });
        openApi.AddOperationTransformer((operation, context, _) =>
        {
            Describe(operation, context.Description.HttpMethod, context.Description.RelativePath ?? "");
            return Task.CompletedTask;
        });
    });

    private static void AddSecurity(OpenApiDocument document)
    {
        document.Components ??= new();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[Bearer] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http, Scheme = Bearer, BearerFormat = "JWT",
            Description = "A token of the configured issuer, with the scopes streams.read, streams.watch, streams.append, "
                + "streams.dead-letters, streams.metrics or streams.operate.",
        };
        document.Security = [new() { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
    }

    private static void Describe(OpenApiOperation operation, string? method, string path)
    {
        operation.Responses ??= [];
        if (!path.StartsWith("api/", StringComparison.Ordinal))
            return;
        foreach (var (status, says) in Refusals)
            operation.Responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse { Description = says });
        if (method == HttpMethods.Post)
            operation.Responses.TryAdd("415", new OpenApiResponse { Description = "The content type is missing or not accepted." });
        if (path.Contains("key}", StringComparison.Ordinal) && operation.Responses.TryGetValue("200", out var state)
            && state is OpenApiResponse response)
        {
            response.Content ??= new Dictionary<string, OpenApiMediaType>();
            response.Content.TryAdd("text/event-stream", new OpenApiMediaType());
            operation.Responses.TryAdd("304", new OpenApiResponse { Description = "The caller has this state already (If-None-Match)." });
        }
    }
}
