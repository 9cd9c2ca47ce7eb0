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

    /// <summary>How long a connection lives under <see cref="ScramSettings"/> before its client must sign in again.</summary>
    public const int SessionMilliseconds = 2_000;

    /// <summary>For brokers of a test's own: whoever signs in may do everything.</summary>
    public static readonly string[] AllMayAll = ["allow.everyone.if.no.acl.found=true"];

    /// <summary>For brokers of a test's own: passwords that can be changed while they run, of connections that do not live long.</summary>
    public static readonly string[] ScramSettings =
    [
        .. AllMayAll,
        "listener.name.password.sasl.enabled.mechanisms=SCRAM-SHA-512",
        "listener.name.password.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
        $"listener.name.password.scram-sha-512.connections.max.reauth.ms={SessionMilliseconds}",
    ];

    private readonly List<TestAuthority> _authorities = [new()];
    private readonly TemporaryDirectory _directory = new();

    /// <summary>The brokers of those who give a password.</summary>
    public string PasswordServers => $"127.0.0.1:{passwordPort}";

    /// <summary>The brokers of those who speak TLS.</summary>
    public string TlsServers => $"127.0.0.1:{tlsPort}";

    /// <summary>The certificate of the authority that vouches for the brokers.</summary>
    public string CaFile => _authorities[^1].CaFile;

    /// <summary>What is in the file.</summary>
    public string CaText => File.ReadAllText(CaFile);

    public IEnumerable<(string Name, string Protocol, int Port, int Advertised)> Listeners =>
        [("PASSWORD", "SASL_PLAINTEXT", passwordPort, passwordPort), ("TLS", "SSL", tlsPort, tlsPort)];

    public IEnumerable<string> Settings
    {
        get
        {
            const string module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
            WriteCertificate();
            return
            [
                "listener.name.password.sasl.enabled.mechanisms=PLAIN",
                $"listener.name.password.plain.sasl.jaas.config={module} user_{User}=\"{Password}\";",
                "listener.name.tls.ssl.keystore.type=PEM",
                $"listener.name.tls.ssl.keystore.location={Store}",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users=User:ANONYMOUS",
            ];
        }
    }

    private string Store => _directory.File("broker.pem");

    /// <summary>From their next start on, brokers have a certificate of another authority.</summary>
    public void ChangeAuthority()
    {
        _authorities.Add(new());
        WriteCertificate();
    }

    public void Dispose()
    {
        _authorities.ForEach(authority => authority.Dispose());
        _directory.Dispose();
    }

    private void WriteCertificate()
    {
        var certificate = _authorities[^1].Issue("broker", ["localhost"]);
        File.WriteAllText(Store, File.ReadAllText(certificate.KeyFile) + "\n" + File.ReadAllText(certificate.CertificateFile));
    }
}
