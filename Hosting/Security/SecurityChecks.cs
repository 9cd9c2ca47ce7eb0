using System.ComponentModel.DataAnnotations;
using ActorStreams.Grains.Tls;
using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Security.Tokens;
using ActorStreams.Hosting.Settings;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// Refuses to start with settings that cannot be meant, all of them at once, each with its remedy: what is given must be usable, and in
/// production nothing may be missing.
/// </summary>
internal sealed class SecurityChecks(IConfiguration settings) : IValidateOptions<SecurityOptions>
{
    private const string PlaintextKafka = "Or say Security:AllowPlaintextKafka=true, where something else protects the way there.";

    private static readonly string[] KafkaParts = ["Settings", "Consumer", "Producer"];

    public ValidateOptionsResult Validate(string? name, SecurityOptions options)
    {
        var posture = Posture.Of(options, settings);
        List<string> errors = [.. Ranges(options), .. Files(options), .. Ports()];
        if (posture.IsProduction && Production(options).Select(error => $"Production profile: {error}").ToList() is { Count: > 0 } missing)
        {
            if (!posture.IsProfileGiven)
                errors.Add($"Others than this machine reach {string.Join(", ", posture.Open)}, so the profile is Production. "
                    + "For development let everything listen on loopback, or say Security:Profile=Development where whoever reaches the "
                    + "silo may do anything.");
            errors.AddRange(missing);
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static IEnumerable<string> Ranges(SecurityOptions options)
    {
        List<ValidationResult> results = [];
        Validator.TryValidateObject(options, new(options), results, validateAllProperties: true);
        Validator.TryValidateObject(options.Limits, new(options.Limits), results, validateAllProperties: true);
        return results.Select(result => $"Security: {result.ErrorMessage}");
    }

    private static IEnumerable<string> Files(SecurityOptions options)
    {
        if (!string.IsNullOrEmpty(options.Tls.CertificateFile)
            && Try(() => ServerTls.Open(options, TimeProvider.System, _ => { })) is { } tls)
            yield return $"Security:Tls: {tls}";
        if (!string.IsNullOrEmpty(options.Tls.CertificateFile) && options.Tls.TerminatedUpstream)
            yield return "Security:Tls:CertificateFile and Security:Tls:TerminatedUpstream are both given. "
                + "Remove one: TLS is spoken here, or before.";
        if (!string.IsNullOrEmpty(options.Silo.CertificateFile)
            && Try(() => ClusterIdentity.Open(
                options.ClusterTls(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance)) is { } silo)
            yield return $"Security:Silo: {silo}";
        var jwt = options.Jwt;
        if (!string.IsNullOrEmpty(jwt.SigningKeysFile) && Try(() => SigningKeys.Open(options, TimeProvider.System, _ => { })) is { } keys)
            yield return $"Security:Jwt: {keys}";
        if (!string.IsNullOrEmpty(jwt.SigningKeysFile) && !string.IsNullOrEmpty(jwt.Authority))
            yield return "Security:Jwt:Authority and Security:Jwt:SigningKeysFile are both given. "
                + "Remove one: keys come from the authority, or from the file.";
        if (!string.IsNullOrEmpty(jwt.Authority)
            && !(Uri.TryCreate(jwt.Authority, UriKind.Absolute, out var authority) && authority.Scheme == Uri.UriSchemeHttps))
            yield return $"Security:Jwt:Authority is '{jwt.Authority}', but must be an https URL: "
                + "whoever could change what comes from there could make tokens.";
        if (jwt.IsConfigured && string.IsNullOrEmpty(jwt.Audience))
            yield return "Security:Jwt:Audience is missing. Without, a token that was issued for any other service would open this one. "
                + "Set it to the name that the issuer has for this silo.";
    }

    private IEnumerable<string> Ports()
    {
        var operations = ListenAddresses.OperationsPort(settings);
        if (operations == 0)
            yield break;
        if (settings.GetSection("Kestrel:Endpoints").Exists())
            yield return "Silo:OperationsPort and Kestrel:Endpoints are both given. Say where the API listens by --urls instead.";
        else if (ListenAddresses.OfApi(settings).FirstOrDefault(url => BindingAddress.Parse(url).Port == operations) is { } same)
            yield return $"Silo:OperationsPort is {operations}, but the API listens there too ({same}). Choose another.";
    }

    private IEnumerable<string> Production(SecurityOptions options)
    {
        if (string.IsNullOrEmpty(options.Tls.CertificateFile) && !options.Tls.TerminatedUpstream)
            yield return "the API has no TLS. Set Security:Tls:CertificateFile and Security:Tls:KeyFile, "
                + "or say Security:Tls:TerminatedUpstream=true where a proxy before it speaks TLS and nobody gets past that.";
        if (!options.Jwt.IsConfigured)
            yield return "nobody is asked who they are. Set Security:Jwt:Authority, or Security:Jwt:SigningKeysFile where none can be "
                + "reached, and Security:Jwt:Audience.";
        var silo = HostingOptions.Unchecked(settings);
        if (ListenAddresses.IsSiloOpen(silo) && string.IsNullOrEmpty(options.Silo.CertificateFile) && !options.Silo.Insecure)
        {
            yield return $"silos at {silo.AdvertisedAddress} talk without TLS, and whoever reaches one can join. "
                + "Set Security:Silo:CertificateFile, Security:Silo:KeyFile and Security:Silo:CaFile, "
                + "or say Security:Silo:Insecure=true where a mesh or the network encrypts and keeps others out.";
        }

        if (silo.Log == LogKind.Kafka)
        {
            foreach (var error in Kafka(options))
                yield return error;
        }

        if (silo.States == StatesKind.Postgres)
        {
            foreach (var error in Postgres(options))
                yield return error;
        }
    }

    private IEnumerable<string> Kafka(SecurityOptions options)
    {
        var given = KafkaParts.SelectMany(part => settings.GetSection($"Kafka:{part}").GetChildren()
            .Select(one => (Part: part, Name: one.Key, one.Value))).ToList();
        foreach (var (part, name, _) in given.Where(one => one.Name is "sasl.password" or "ssl.key.password" or "ssl.keystore.password"
            or "ssl.key.pem" or "sasl.oauthbearer.client.secret"))
            yield return $"Kafka:{part}:{name} is given as it is. Write it into a file that only this process may read, "
                + $"and set Kafka:{part}:{name}.file to that.";
        if (options.AllowPlaintextKafka)
            yield break;
        var protocols = given.Where(one => one.Name == "security.protocol").ToList();
        if (!protocols.Exists(one => one.Part == "Settings"))
            yield return $"Kafka is reached without TLS. Set Kafka:Settings:security.protocol to SASL_SSL or SSL. {PlaintextKafka}";
        foreach (var (part, _, value) in protocols.Where(one => !string.Equals(one.Value, "ssl", StringComparison.OrdinalIgnoreCase)
            && !string.Equals(one.Value, "sasl_ssl", StringComparison.OrdinalIgnoreCase)))
            yield return $"Kafka:{part}:security.protocol is {value}, without TLS. Set it to SASL_SSL or SSL. {PlaintextKafka}";
        foreach (var (part, name, value) in given.Where(one =>
            (one.Name == "enable.ssl.certificate.verification" && !string.Equals(one.Value, "true", StringComparison.OrdinalIgnoreCase))
            || (one.Name == "ssl.endpoint.identification.algorithm"
                && !string.Equals(one.Value, "https", StringComparison.OrdinalIgnoreCase))))
            yield return $"Kafka:{part}:{name} is {value}: anybody could be the broker. "
                + $"Remove it, and name the brokers' authority in ssl.ca.location. {PlaintextKafka}";
    }

    private IEnumerable<string> Postgres(SecurityOptions options)
    {
        NpgsqlConnectionStringBuilder? connection = null;
        try
        {
            connection = new(settings["Postgres:ConnectionString"]);
        }
        catch (ArgumentException)
        {
            // The section's own check reports it.
        }

        if (connection is null)
            yield break;
        if (!string.IsNullOrEmpty(connection.Password))
            yield return "Postgres:ConnectionString holds the password. Write it into a file that only this process may read, "
                + "and name that in Postgres:PasswordFile.";
        if (connection.SslMode != SslMode.VerifyFull && !options.AllowPlaintextPostgres)
        {
            var weakness = connection.SslMode is SslMode.Require or SslMode.VerifyCA
                ? "does not check the server's name"
                : "may be plain text";
            yield return $"PostgreSQL is reached with SSL Mode={connection.SslMode}, which "
                + $"{weakness}. "
                + "Add SSL Mode=VerifyFull;Root Certificate=FILE to Postgres:ConnectionString. "
                + "Or say Security:AllowPlaintextPostgres=true, where something else protects the way there.";
        }
    }

    private static string? Try(Func<object> open)
    {
        try
        {
            open();
            return null;
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }
}
