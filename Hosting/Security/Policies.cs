using ActorStreams.Hosting.Security.Listening;
using Microsoft.AspNetCore.Authorization;

namespace ActorStreams.Hosting.Security;

/// <summary>The scopes that tokens have, and the policy that requires them.</summary>
internal static class Policies
{
    internal const string Read = "streams.read";
    internal const string Watch = "streams.watch";
    internal const string Append = "streams.append";
    internal const string DeadLetters = "streams.dead-letters";
    internal const string Operate = "streams.operate";
    internal const string Metrics = "streams.metrics";

    /// <summary>What the path needs (<see cref="AccessRules"/>) is the one policy, of every endpoint.</summary>
    internal static void Add(IServiceCollection services)
    {
        services.AddSingleton<IAuthorizationHandler, RuleHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, Refusal>();
        var policy = new AuthorizationPolicyBuilder().AddRequirements(new Rule()).Build();
        services.AddAuthorizationBuilder().SetDefaultPolicy(policy).SetFallbackPolicy(policy);
    }

    private sealed record Rule : IAuthorizationRequirement;

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
            if (Access.Of(http).FaultOf(need) is { } fault)
                context.Fail(new(this, fault));
            else
                context.Succeed(rule);
        }
    }
}
