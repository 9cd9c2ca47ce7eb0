using ActorStreams.Tests.Security;

namespace ActorStreams.Tests.Kafka.Brokers;

/// <summary>
/// Two more listeners of a broker, one that asks for a password and one with TLS. Clients of the listener without either may do
/// everything; others what they are granted.
/// </summary>
internal sealed class KafkaSecurity(int passwordPort, int tlsPort) : IDisposable
{
    public const string User = "alice";
    public const string Password = "the-password-of-alice";

    private readonly TestAuthority _authority = new();
    private readonly TemporaryDirectory _directory = new();

    /// <summary>The brokers of those who give a password.</summary>
    public string PasswordServers => $"127.0.0.1:{passwordPort}";

    /// <summary>The brokers of those who speak TLS.</summary>
    public string TlsServers => $"127.0.0.1:{tlsPort}";

    /// <summary>The certificate of the authority that vouches for the brokers.</summary>
    public string CaFile => _authority.CaFile;

    public IEnumerable<(string Name, string Protocol, int Port, int Advertised)> Listeners =>
        [("PASSWORD", "SASL_PLAINTEXT", passwordPort, passwordPort), ("TLS", "SSL", tlsPort, tlsPort)];

    public IEnumerable<string> Settings
    {
        get
        {
            const string module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
            var certificate = _authority.Issue("broker", ["localhost"]);
            var store = _directory.File("broker.pem");
            File.WriteAllText(store, File.ReadAllText(certificate.KeyFile) + "\n" + File.ReadAllText(certificate.CertificateFile));
            return
            [
                "listener.name.password.sasl.enabled.mechanisms=PLAIN",
                $"listener.name.password.plain.sasl.jaas.config={module} user_{User}=\"{Password}\";",
                "listener.name.tls.ssl.keystore.type=PEM",
                $"listener.name.tls.ssl.keystore.location={store}",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users=User:ANONYMOUS",
            ];
        }
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }
}
