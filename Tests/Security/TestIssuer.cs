using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ActorStreams.Tests.Security;

/// <summary>An issuer of tokens that nobody has to reach: its public keys are in a file.</summary>
internal sealed class TestIssuer : IDisposable
{
    internal const string Name = "https://issuer.test";
    internal const string Audience = "actorstreams-test";
    internal const string AllScopes = "streams.read streams.watch streams.append streams.operate";

    private readonly TemporaryDirectory _directory = new();
    private RSA _key = RSA.Create(2048);

    internal TestIssuer()
    {
        KeysFile = _directory.File("keys.json");
        WriteKeys();
    }

    internal string KeysFile { get; }

    private string KeyId => Convert.ToHexString(SHA256.HashData(_key.ExportRSAPublicKey()).AsSpan(0, 8));

    /// <summary>From now on it signs with another key, and publishes only that.</summary>
    internal void Rotate()
    {
        _key = RSA.Create(2048);
        WriteKeys();
    }

    /// <summary>A token; what is not said is as it should be.</summary>
    internal string Token(
        string scopes = AllScopes, object? datasets = null, string subject = "tester", string? audience = null, TimeSpan? expires = null,
        SigningCredentials? signing = null, string scopeClaim = "scope", bool expiresNever = false)
    {
        var claims = new Dictionary<string, object> { ["sub"] = subject, [scopeClaim] = scopes };
        if (datasets is not null)
            claims["datasets"] = datasets;
        var handler = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false };
        var now = DateTime.UtcNow;
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Audience = audience ?? Audience,
            Issuer = Name,
            Claims = claims,
            IssuedAt = now.AddHours(-2),
            Expires = expiresNever ? null : now + (expires ?? TimeSpan.FromHours(1)),
            SigningCredentials = signing ?? new(new RsaSecurityKey(_key) { KeyId = KeyId }, SecurityAlgorithms.RsaSha256),
        });
    }

    /// <summary>What a forger makes of a token: other content, and no or another signature.</summary>
    internal static string Forge(object header, string token, string signature = "") =>
        $"{Base64UrlEncoder.Encode(JsonSerializer.Serialize(header))}.{token.Split('.')[1]}.{signature}";

    /// <summary>The public key as bytes: what the confusion of algorithms takes for a secret.</summary>
    internal byte[] PublicKey => System.Text.Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem());

    internal string Id => KeyId;

    public void Dispose()
    {
        _key.Dispose();
        _directory.Dispose();
    }

    private void WriteKeys()
    {
        var key = _key.ExportParameters(includePrivateParameters: false);
        TestAuthority.Replace(KeysFile, JsonSerializer.Serialize(new
        {
            keys = new[]
            {
                new { kty = "RSA", use = "sig", kid = KeyId, n = Base64UrlEncoder.Encode(
                    key.Modulus), e = Base64UrlEncoder.Encode(key.Exponent) },
            },
        }));
    }
}
