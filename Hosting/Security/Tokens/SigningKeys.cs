using ActorStreams.Grains.Tls;
using ActorStreams.Hosting.Settings;
using Microsoft.IdentityModel.Tokens;

namespace ActorStreams.Hosting.Security.Tokens;

/// <summary>The public keys that tokens are signed with, out of a JSON Web Key Set.</summary>
internal static class SigningKeys
{
    private static readonly string[] Private = ["d", "p", "q", "dp", "dq", "qi"];

    /// <summary>The keys that the file holds, now and later.</summary>
    /// <exception cref="ArgumentException">The file cannot be read, or holds no key set, or what does not belong here.</exception>
    internal static ReloadedFiles<IReadOnlyList<SecurityKey>> Open(SecurityOptions options, TimeProvider time, Action<string?> told)
    {
        var file = options.Jwt.SigningKeysFile!;
        return new([file], texts => Parse(file, texts[0]), TimeSpan.FromSeconds(options.ReloadSeconds), time, told);
    }

    private static IReadOnlyList<SecurityKey> Parse(string file, string text)
    {
        JsonWebKeySet set;
        try
        {
            set = new(text);
        }
        catch (Exception error) when (error is ArgumentException or System.Text.Json.JsonException)
        {
            throw new ArgumentException(
                $"'{file}' is no JSON Web Key Set. It has the form {{\"keys\":[{{\"kty\":\"RSA\",\"kid\":…,\"n\":…,\"e\":…}}]}}.");
        }

        if (set.Keys.Any(key => key.Kty == JsonWebAlgorithmsKeyTypes.Octet))
            throw new ArgumentException(
                $"'{file}' holds a symmetric key (kty oct). Whoever checks tokens with it could make them too. "
                + "Sign with RSA or elliptic curves, and put the public key here.");
        if (set.Keys.Any(key => key.HasPrivateKey))
            throw new ArgumentException(
                $"'{file}' holds a private key ({string.Join(", ", Private)}). A silo only checks tokens: leave the private members out.");
        var keys = set.GetSigningKeys().ToList();
        return keys.Count > 0 ? keys : throw new ArgumentException(
            $"'{file}' holds no key for signatures (\"use\":\"sig\", or no \"use\").");
    }
}
