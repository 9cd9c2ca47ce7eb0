using System.Net.Security;
using System.Security.Authentication;
using ActorStreams.Grains.Tls;
using ActorStreams.Hosting.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Security.Listening;

/// <summary>
/// TLS of everything that speaks HTTP, where <c>Security:Tls</c> names a certificate; how large a request may be, and which connections
/// a stop ends.
/// </summary>
internal sealed class ServerTls(IOptions<SecurityOptions> security, IServiceProvider services) : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = LimitsOptions.MaxOtherBodyBytes;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(security.Value.Limits.HeaderSeconds);
        options.Limits.MaxRequestHeadersTotalSize = security.Value.Limits.MaxHeaderBytes;
        var time = services.GetRequiredService<TimeProvider>();
        if (string.IsNullOrEmpty(security.Value.Tls.CertificateFile))
        {
            options.ConfigureEndpointDefaults(listen => listen.EndAtStop(time));
            return;
        }

        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(ClusterTls.Category);
        var certificate = Open(security.Value, time, fault => logger.FilesChanged("the API", fault));
        options.ConfigureEndpointDefaults(listen =>
        {
            listen.EndAtStop(time);
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificate.Value.Context,
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                }),
            });
        });
    }

    /// <summary>The certificate that the files hold, now and later.</summary>
    /// <exception cref="ArgumentException">A file cannot be read, or does not hold what it should.</exception>
    internal static ReloadedFiles<PemCertificate> Open(SecurityOptions options, TimeProvider time, Action<string?> told)
    {
        var (certificate, key) = (options.Tls.CertificateFile!, options.Tls.KeyFile ?? options.Tls.CertificateFile!);
        return new([certificate, key], texts => PemCertificate.Parse(
            certificate, texts[0], key, texts[1]), TimeSpan.FromSeconds(options.ReloadSeconds), time, told);
    }
}
