using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Security.Tokens;
using ActorStreams.Hosting.Settings;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Security;

/// <summary>Puts the guards before everything that the silo serves.</summary>
internal static class SecurityHosting
{
    internal static void AddSecurity(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<SecurityOptions>().BindConfiguration("Security").ValidateOnStart();
        services.AddSingleton<IValidateOptions<SecurityOptions>, SecurityChecks>();
        services.AddSingleton(provider => Posture.Of(
            provider.GetRequiredService<IOptions<SecurityOptions>>().Value, provider.GetRequiredService<IConfiguration>()));
        services.AddHostedService<PostureCheck>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, ServerTls>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, TokenRules>();
        Policies.Add(services);
        RequestLimits.Add(services);
        services.AddSingleton<AuditLog>();
    }

    /// <summary>In this order: authentication, limits, audit, authorization; and only then which port serves it.</summary>
    internal static void UseSecurity(this WebApplication app)
    {
        OperationsPort.Listen(app);
        app.UseBodyRules();
        app.UseSameSite();
        app.UseAuthentication();
        app.UseRateLimiter();
        var audit = app.Services.GetRequiredService<AuditLog>();
        app.Use(next => http => audit.RunAsync(http, next));
        app.UseClosedEndpoints();
        app.UseAuthorization();
        app.UsePorts();
        app.MapSignIn();
    }
}
