using System.Net;
using System.Text;
using ActorStreams.Tests.EndToEnd;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class UnauthenticatedTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task Without_a_token_every_endpoint_of_the_running_silo_says_401_but_the_probes()
    {
        var http = Silo.Http(null);
        var asked = 0;
        foreach (var endpoint in Silo.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var path = PathOf(endpoint);
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"])
            {
                using var request = new HttpRequestMessage(new(method), path);
                if (method is "POST" or "PUT")
                    request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
                using var response = await http.SendAsync(request);
                asked++;
                if (path.StartsWith("/health/", StringComparison.Ordinal))
                    Assert.NotEqual(HttpStatusCode.Unauthorized, response.StatusCode);
                else
                    Assert.True(
                        response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} said {(int)response.StatusCode} to nobody.");
            }
        }

        // The probes, the API, its description, the home page, and the dashboard with its own API.
        Assert.True(asked > 30, $"Only {asked} endpoints were found.");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/api-reference")]
    [InlineData("/dashboard/")]
    [InlineData("/dashboard/DashboardCounters")]
    [InlineData("/dashboard/GrainState?grainId=x&grainType=y")]
    [InlineData("/dashboard/Trace")]
    [InlineData("/operations")]
    [InlineData("/metrics")]
    [InlineData("/api/dead-letters")]
    [InlineData("/api/datasets")]
    [InlineData("/API/Datasets")]
    [InlineData("//api/datasets")]
    [InlineData("/api//datasets")]
    [InlineData("/health/../api/datasets")]
    [InlineData("/health/%2e%2e/api/datasets")]
    [InlineData("/health%2f../api/datasets")]
    [InlineData("/no/such/path")]
    [InlineData("/api/entities/order/o1?watch=true")]
    public async Task Pages_and_paths_that_would_get_past_the_rules_say_401(string path)
    {
        var http = Silo.Http(null);
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            new Uri(Silo.Url.AbsoluteUri.TrimEnd('/') + path, new UriCreationOptions
            {
                DangerousDisablePathAndQueryCanonicalization = true,
            }));
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.StartsWith("Bearer", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_that_say_who_one_is_are_not_believed()
    {
        var http = Silo.Http(null);
        foreach (var header in new[]
        {
            "X-Forwarded-User", "X-User", "X-Original-URL", "X-Forwarded-For", "baggage", "RequestContext", "X-MS-CLIENT-PRINCIPAL",
        })
            http.DefaultRequestHeaders.TryAddWithoutValidation(header, "sub=operator,scope=streams.operate");
        Assert.Equal(HttpStatusCode.Unauthorized, await http.StatusAsync("dashboard/"));
        Assert.Equal(HttpStatusCode.Unauthorized, await http.StatusAsync("api/datasets?access_token=" + Silo.Issuer.Token()));
    }

    [Fact]
    public async Task Probes_tell_nothing_but_health_and_take_no_other_method()
    {
        var http = Silo.Http(null);
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("health/live"));
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("health/ready"));
        using var posted = await http.PostAsync(new Uri("health/live", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Unauthorized, posted.StatusCode);
    }

    private static string PathOf(RouteEndpoint endpoint) => "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment =>
        string.Concat(segment.Parts.Select(part => part switch
        {
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
            _ => "x",
        }))));
}
