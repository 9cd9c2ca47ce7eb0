using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorStreams.Formats;

/// <summary>The certificates of authorities, as PEM files hold them: silos and clients read them alike.</summary>
internal static class PemAuthorities
{
    /// <summary>The certificates in a file's text.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    internal static X509Certificate2Collection Parse(string file, string text)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(text);
        }
        catch (CryptographicException)
        {
            // As one that holds none.
        }

        return authorities.Count > 0
            ? authorities
            : throw new ArgumentException($"'{file}' holds no certificate of an authority. It must be PEM.");
    }
}
