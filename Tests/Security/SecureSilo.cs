using System.Net;
using System.Text;
using ActorStreams.Client.Http;
using ActorStreams.Client;
using ActorStreams.Hosting;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Security;

/// <summary>A silo of this process in the production profile: TLS, tokens, certificates between silos.</summary>
internal sealed class SecureSilo : IAsyncDisposable
{
    private readonly TemporaryDirectory _data = new();
    private readonly List<HttpClient> _clients = [];
    private WebApplication? _app;

    internal SecureSilo()
    {
        Api = Authority.Issue("api", ["localhost"]);
        Member = Authority.Issue("silo", ["actorstreams-silo"]);
    }

    internal TestAuthority Authority { get; } = new();

    internal TestIssuer Issuer { get; } = new();

    internal TestCertificate Api { get; }

    internal TestCertificate Member { get; }

    internal int SiloPort { get; } = Ports.Free();

    internal int GatewayPort { get; } = Ports.Free();

    internal CollectedLogs Logs { get; } = new();

    internal IServiceProvider Services => _app!.Services;

    internal Uri Url { get; private set; } = null!;

    /// <summary>Starts it, and waits until it is ready.</summary>
    internal async Task StartAsync(params string[] settings)
    {
        var builder = WebApplication.CreateBuilder(
        [
            "--Silo:DataDirectory", _data.File("data"), "--Security:Profile=Production",
            $"--Security:Tls:CertificateFile={Api.CertificateFile}", $"--Security:Tls:KeyFile={Api.KeyFile}",
            $"--Security:Jwt:SigningKeysFile={Issuer.KeysFile}", $"--Security:Jwt:Audience={TestIssuer.Audience}",
            $"--Security:Silo:CertificateFile={Member.CertificateFile}",
            $"--Security:Silo:KeyFile={Member.KeyFile}", $"--Security:Silo:CaFile={Authority.CaFile}", $"--Silo:SiloPort={SiloPort}",
            $"--Silo:GatewayPort={GatewayPort}",
            "--Security:ReloadSeconds=0.1", .. settings,
        ]);
        builder.Logging.ClearProviders().AddProvider(Logs).AddFilter("ActorStreams", LogLevel.Debug);
        builder.AddActorStreams(ShopDefinitions.AddTo);
        builder.WebHost.UseUrls("https://127.0.0.1:0");
        _app = builder.Build();
        _app.MapActorStreams();
        await _app.StartAsync();
        Url = new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/");
        var anonymous = Http(null);
        await EndToEndTest.UntilAsync(async () => (await anonymous.GetAsync("health/ready")).IsSuccessStatusCode, "ready");
    }

    /// <summary>A client with a token, or with none, over connections of its own.</summary>
    internal HttpClient Http(string? token, Uri? url = null)
    {
        var http = Authority.Http(token, url ?? Url);
        _clients.Add(http);
        return http;
    }

    /// <summary>The client library with a token.</summary>
    internal ActorStreamsClient Client(string? token) => new(Url, new() { Token = () => token, CaFile = Authority.CaFile });

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        Authority.Dispose();
        Issuer.Dispose();
        _data.Dispose();
    }
}

/// <summary>What tests of the API ask, and see of the answer.</summary>
internal static class SecureRequests
{
    internal const string Orders = "api/topics/shop.orders/records";

    internal static async Task<Answer> AskAsync(this HttpClient http, string path)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.RelativeOrAbsolute));
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    internal static async Task<Answer> AppendAsync(this HttpClient http, params string[] lines)
    {
        using var content = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson");
        using var response = await http.PostAsync(new Uri(Orders, UriKind.Relative), content);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    internal static async Task<HttpStatusCode> StatusAsync(this HttpClient http, string path) => (await http.AskAsync(path)).Status;
}

/// <summary>All that a silo of this process logs.</summary>
internal sealed class CollectedLogs : ILoggerProvider
{
    private readonly List<(string Category, string Line)> _lines = [];

    internal IReadOnlyList<string> Of(string category)
    {
        lock (_lines)
            return [.. _lines.Where(line => line.Category == category).Select(line => line.Line)];
    }

    public ILogger CreateLogger(string categoryName) => new Collector(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Collector(CollectedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (logs._lines)
                logs._lines.Add((category, $"{formatter(state, exception)} {exception}"));
        }
    }
}
