using ActorStreams.Grains.Tls;
using ActorStreams.Hosting.Settings;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ActorStreams.Hosting.Security.Tokens;

/// <summary>
/// The identity of a caller, from its token: signed by a known key, for this audience, and not expired. Nothing else identifies a caller.
/// </summary>
internal sealed class TokenRules(IOptions<SecurityOptions> security, IServiceProvider services) : IConfigureNamedOptions<JwtBearerOptions>
{
    /// <summary>The claim with patterns of the datasets that a token is for.</summary>
    internal const string DatasetsClaim = "datasets";

    /// <summary>Clocks of issuer and silo may differ by so much.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private static readonly object Fault = new();

    public void Configure(JwtBearerOptions options) => Configure(JwtBearerDefaults.AuthenticationScheme, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        var jwt = security.Value.Jwt;
        options.MapInboundClaims = false;
        options.SaveToken = false;
        options.Authority = string.IsNullOrEmpty(jwt.Authority) ? null : jwt.Authority;
        options.TokenValidationParameters = new()
        {
            ValidAudience = jwt.Audience ?? "",
            ValidIssuer = jwt.Issuer,
            ValidateIssuer = !string.IsNullOrEmpty(jwt.Authority) || !string.IsNullOrEmpty(jwt.Issuer),
            ClockSkew = ClockSkew,
            NameClaimType = JwtRegisteredClaimNames.Sub,
            // Public keys alone: a public key must never be used as the secret of a symmetric algorithm.
            ValidAlgorithms =
            [
                SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
                SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384,
                SecurityAlgorithms.RsaSsaPssSha512, SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384,
                SecurityAlgorithms.EcdsaSha512,
            ],
        };
        if (!string.IsNullOrEmpty(jwt.SigningKeysFile))
        {
            var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("ActorStreams.Tokens");
            var keys = SigningKeys.Open(
                security.Value, services.GetRequiredService<TimeProvider>(), fault => logger.FilesChanged("tokens", fault));
            options.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, id, _) => string.IsNullOrEmpty(id)
                ? keys.Value
                : keys.Value.Where(key => key.KeyId == id);
        }

        options.Events = new()
        {
            OnMessageReceived = SignIn.TakeTokenAsync,
            OnTokenValidated = OnValidated,
            OnAuthenticationFailed = failed =>
            {
                failed.HttpContext.Items[Fault] = Sentence(failed.Exception);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>What was wrong with the token that came; null when none came.</summary>
    internal static string? FaultOf(HttpContext http) => http.Items[Fault] as string;

    /// <summary>
    /// A list without elements makes no claim, and a token without that claim is for all datasets. So a list that names
    /// nothing is made to name nothing.
    /// </summary>
    private static Task OnValidated(TokenValidatedContext validated)
    {
        if (validated.SecurityToken is JsonWebToken token && NamesDatasets(token)
            && !validated.Principal!.HasClaim(claim => claim.Type == DatasetsClaim))
            validated.Principal!.Identities.First().AddClaim(new(DatasetsClaim, ""));
        return Task.CompletedTask;
    }

    private static bool NamesDatasets(JsonWebToken token)
    {
        using var payload = System.Text.Json.JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));
        return payload.RootElement.TryGetProperty(DatasetsClaim, out _);
    }

    private static string Sentence(Exception failure) => failure switch
    {
        SecurityTokenExpiredException => "The token has expired. Get a new one.",
        SecurityTokenNotYetValidException => "The token is not valid yet. Compare the clocks.",
        SecurityTokenInvalidAudienceException => "The token is for another audience than Security:Jwt:Audience.",
        SecurityTokenInvalidIssuerException => "The token is of another issuer than this silo believes.",
        SecurityTokenNoExpirationException => "The token never expires. Give it an expiry (exp).",
        _ => "The token is not signed by a key that this silo knows, or is no token.",
    };
}
