using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorStreams.Tests.Security;

/// <summary>An authority made for one test, and the certificates it gives out.</summary>
internal sealed class TestAuthority : IDisposable
{
    private const string ServerAndClient = "1.3.6.1.5.5.7.3.1,1.3.6.1.5.5.7.3.2";

    private readonly TemporaryDirectory _directory = new();
    private readonly X509Certificate2 _root;

    internal TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test authority {Guid.NewGuid():n}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(30));
        CaFile = _directory.File("ca.pem");
        File.WriteAllText(CaFile, _root.ExportCertificatePem());
    }

    internal string CaFile { get; }

    /// <summary>Files of a certificate for these names, on loopback; given the same file name, they replace those before.</summary>
    internal TestCertificate Issue(string file, string[] names, int validDays = 10, string purposes = ServerAndClient)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            alternatives.AddDnsName(name);
        alternatives.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([.. purposes.Split(',').Select(purpose => new Oid(purpose))], critical: false));
        using var certificate = request.Create(
            _root, DateTimeOffset.UtcNow.AddDays(-20), DateTimeOffset.UtcNow.AddDays(validDays), RandomNumberGenerator.GetBytes(12));
        var issued = new TestCertificate(_directory.File(file + ".crt"), _directory.File(file + ".key"), certificate.Thumbprint);
        // As Kubernetes does it: never half a file.
        Replace(issued.KeyFile, key.ExportPkcs8PrivateKeyPem());
        Replace(issued.CertificateFile, certificate.ExportCertificatePem());
        return issued;
    }

    /// <summary>
    /// A client that believes this authority alone, with a token or with none, over connections of its own. It follows
    /// no redirect and keeps no cookie.
    /// </summary>
    internal HttpClient Http(string? token, Uri? url = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        handler.SslOptions.CertificateChainPolicy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(CaFile);
        var http = new HttpClient(handler) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return http;
    }

    public void Dispose()
    {
        _root.Dispose();
        _directory.Dispose();
    }

    internal static void Replace(string file, string text)
    {
        File.WriteAllText(file + ".new", text);
        File.Move(file + ".new", file, overwrite: true);
    }
}

/// <summary>A certificate in files.</summary>
internal sealed record TestCertificate(string CertificateFile, string KeyFile, string Thumbprint)
{
    internal X509Certificate2 Load() => X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile);
}
