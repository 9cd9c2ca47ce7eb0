using Microsoft.AspNetCore.Authorization;

namespace ActorStreams.Silo.Security;

/// <summary>The scopes, which are the policies' names too.</summary>
internal static class Policies
{
    internal const string Read = "streams.read";
    internal const string Watch = "streams.watch";
    internal const string Append = "streams.append";
    internal const string Operate = "streams.operate";
    internal const string Metrics = "streams.metrics";

    /// <summary>The rules hold for every endpoint, also one that names no policy; and for one that names its own, beside that.</summary>
    internal static void Add(IServiceCollection services)
    {
        services.AddSingleton<IAuthorizationHandler, RuleHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, Refusal>();
        services.AddAuthorizationBuilder()
            .SetDefaultPolicy(With(new Rule(null)))
            .SetFallbackPolicy(With(new Rule(null)))
            .AddPolicy(Read, With(new Rule(AccessKind.Read)))
            .AddPolicy(Watch, With(new Rule(AccessKind.Watch)))
            .AddPolicy(Append, With(new Rule(AccessKind.Append)))
            .AddPolicy(Operate, With(new Rule(AccessKind.Operate)));
    }

    private static AuthorizationPolicy With(Rule rule) => new AuthorizationPolicyBuilder().AddRequirements(rule).Build();

    /// <summary>What the path asks for, and one thing more that an endpoint may ask for itself.</summary>
    private sealed record Rule(AccessKind? More) : IAuthorizationRequirement;

    private sealed class RuleHandler(Posture posture) : AuthorizationHandler<Rule>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Rule requirement)
        {
            if (!posture.NeedsToken)
                context.Succeed(requirement);
            else if (context.Resource is HttpContext http)
                Decide(context, requirement, http);
            return Task.CompletedTask;
        }

        private void Decide(AuthorizationHandlerContext context, Rule rule, HttpContext http)
        {
            var need = AccessRules.Of(http);
            if (need.Kind != AccessKind.Open && http.User.Identity?.IsAuthenticated != true)
                return;
            var access = Access.Of(http);
            if ((access.FaultOf(need) ?? (rule.More is { } more ? access.FaultOf(new(more)) : null)) is { } fault)
                context.Fail(new(this, fault));
            else
                context.Succeed(rule);
        }
    }
}
