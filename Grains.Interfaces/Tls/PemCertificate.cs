using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorStreams.Grains.Tls;

/// <summary>A certificate with its key, and those between it and its authority, as PEM files hold them.</summary>
internal sealed record PemCertificate(X509Certificate2 Certificate, SslStreamCertificateContext Context)
{
    /// <summary>The certificate, first in its text, with its key.</summary>
    /// <exception cref="ArgumentException">The texts hold none, or do not fit together. The message does not repeat them.</exception>
    internal static PemCertificate Parse(string certificateFile, string certificate, string keyFile, string key)
    {
        try
        {
            var leaf = X509Certificate2.CreateFromPem(certificate, key);
            if (OperatingSystem.IsWindows())
                // Its TLS takes no key that was never stored.
                leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pfx), null);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            chain.RemoveAt(0);
            return new(leaf, SslStreamCertificateContext.Create(leaf, chain, offline: true));
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            // What the library says of a key may hold some of it.
            throw new ArgumentException(
                $"The certificate in '{certificateFile}' and the key in '{keyFile}' cannot be used together. "
                + "Both must be PEM, the key without a password, and the key must be the certificate's.");
        }
    }
}
