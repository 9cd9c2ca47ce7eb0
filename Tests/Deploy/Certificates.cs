using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorStreams.Tests.Deploy;

internal static class Certificates
{
    /// <summary>An authority of no one, as PEM.</summary>
    internal static string SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem();
    }
}
