using ActorStreams.Hosting.Settings;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Security.Listening;

/// <summary>What the settings amount to: the profile that holds, and whether callers need a token.</summary>
internal sealed record Posture(SecurityProfile Profile, bool IsProfileGiven, bool NeedsToken, IReadOnlyList<string> Open)
{
    internal bool IsProduction => Profile == SecurityProfile.Production;

    internal static Posture Of(SecurityOptions options, IConfiguration settings)
    {
        var open = ListenAddresses.Open(settings);
        var profile = options.Profile ?? (open.Count == 0 ? SecurityProfile.Development : SecurityProfile.Production);
        return new(profile, options.Profile is not null, profile == SecurityProfile.Production || options.Jwt.IsConfigured, open);
    }
}

/// <summary>
/// Logs at start what holds, and checks again once everything listens: code may have opened a listener that no setting names.
/// </summary>
internal sealed partial class PostureCheck(
    Posture posture, IServiceProvider services, ILogger<PostureCheck> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (posture.IsProduction)
            LogProduction(logger);
        else if (posture.Open.Count > 0)
            LogOpen(logger, string.Join(", ", posture.Open), posture.NeedsToken ? "with a token" : "without being asked who they are");
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var open = Addresses().Where(url => !ListenAddresses.IsLoopback(url)).ToList();
        if (posture.IsProduction || posture.IsProfileGiven || open.Count == 0)
            return Task.CompletedTask;
        throw new OptionsValidationException("Security", typeof(SecurityOptions),
            [$"The silo listens at {string.Join(", ", open)}, which others can reach, but no setting told so beforehand. "
                + "Say Security:Profile=Production, and what that asks for; or Development, if it is meant to be open."]);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private IEnumerable<string> Addresses() =>
        services.GetService<Microsoft.AspNetCore.Hosting.Server.IServer>()?.Features
            .Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()?.Addresses ?? [];

    [LoggerMessage(Level = LogLevel.Information, Message = "Security profile Production: every caller needs a token.")]
    private static partial void LogProduction(ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "SECURITY: the profile is Development, but others than this machine reach {Listeners}. "
            + "Whoever does reads, appends and operates {How}, and nothing has to be encrypted. Never outside a test network.")]
    private static partial void LogOpen(ILogger logger, string listeners, string how);
}
