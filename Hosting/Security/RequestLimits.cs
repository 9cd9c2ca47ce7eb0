using System.Globalization;
using System.Net.Sockets;
using System.Net;
using System.Threading.RateLimiting;
using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Settings;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// How much one client may request: requests a second, and watches at once. A client beyond its limit gets 429 with the time to wait;
/// others are not slowed.
/// </summary>
internal static class RequestLimits
{
    private const int DefaultRetrySeconds = 5;
    private const int Ipv6Site = 8;

    internal static void Add(IServiceCollection services)
    {
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<SecurityOptions>, Posture>((limiter, security, posture) =>
        {
            var limits = security.Value.Limits;
            var requests = limits.RequestsPerSecond ?? (posture.IsProduction ? LimitsOptions.ProductionRequestsPerSecond : 0);
            var watches = limits.WatchesPerClient ?? (posture.IsProduction ? LimitsOptions.ProductionWatchesPerClient : 0);
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (rejected, _) => RejectAsync(rejected, requests, watches);
            if (requests > 0 || watches > 0)
                limiter.GlobalLimiter = PartitionedRateLimiter.CreateChained(Requests(requests), Watches(watches));
        });
    }

    /// <summary>No body is unpacked, so that a small one cannot become a large one.</summary>
    internal static void UseBodyRules(this WebApplication app) => app.Use((http, next) =>
    {
        var headers = http.Response.Headers;
        (headers.XContentTypeOptions, headers["Referrer-Policy"], headers.XFrameOptions) = ("nosniff", "no-referrer", "SAMEORIGIN");
        var encoding = http.Request.Headers.ContentEncoding.ToString();
        return encoding.Length == 0 || string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase)
            ? next(http)
            : Refusal.WriteAsync(
                http, StatusCodes.Status415UnsupportedMediaType, "Packed body",
                "Bodies are taken as they are, and not unpacked. Send it without Content-Encoding.");
    });

    private static PartitionedRateLimiter<HttpContext> Requests(int limit) =>
        PartitionedRateLimiter.Create<HttpContext, string>(http => limit == 0 || AccessRules.IsHealth(http)
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetTokenBucketLimiter(ClientOf(http), _ => new()
            {
                TokenLimit = limit, TokensPerPeriod = limit, ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 0,
                AutoReplenishment = true,
            }));

    private static PartitionedRateLimiter<HttpContext> Watches(int limit) =>
        PartitionedRateLimiter.Create<HttpContext, string>(http => limit == 0 || !AccessRules.IsWatch(http)
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetConcurrencyLimiter(ClientOf(http), _ => new() { PermitLimit = limit, QueueLimit = 0 }));

    /// <summary>The subject of the token; without one the address, and of IPv6 what one site shares.</summary>
    private static string ClientOf(HttpContext http)
    {
        if (Caller.SubjectOf(http.User) is { } subject)
            return "token " + subject;
        var address = http.Connection.RemoteIpAddress;
        if (address is { IsIPv4MappedToIPv6: true })
            address = address.MapToIPv4();
        return address is { AddressFamily: AddressFamily.InterNetworkV6 } && !IPAddress.IsLoopback(address)
            ? "address " + Convert.ToHexString(address.GetAddressBytes().AsSpan(0, Ipv6Site)) : "address " + address;
    }

    private static async ValueTask RejectAsync(OnRejectedContext rejected, int requests, int watches)
    {
        var (http, tooFast) = (rejected.HttpContext, rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after));
        var seconds = tooFast ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : DefaultRetrySeconds;
        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await Refusal.WriteAsync(http, StatusCodes.Status429TooManyRequests, "Too much at once", tooFast
            ? $"This client asks more than {requests} times a second (Security:Limits:RequestsPerSecond). Come back in {seconds} s."
            : $"This client has {watches} watches open (Security:Limits:WatchesPerClient). End some.");
    }
}
