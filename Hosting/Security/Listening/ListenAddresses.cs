using System.Net;
using ActorStreams.Hosting.Settings;

namespace ActorStreams.Hosting.Security.Listening;

/// <summary>Where the silo will listen, as the settings say: read before anything is opened.</summary>
internal static class ListenAddresses
{
    /// <summary>The API's URLs.</summary>
    internal static IReadOnlyList<string> OfApi(IConfiguration settings)
    {
        var endpoints = settings.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"] ?? "").ToList();
        if (endpoints.Count > 0)
            return endpoints;
        if (settings["urls"] is { Length: > 0 } urls)
            return urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return [.. Ports("http"), .. Ports("https")];

        IEnumerable<string> Ports(string scheme) =>
            (settings[$"{scheme}_ports"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(port => $"{scheme}://*:{port}");
    }

    /// <summary>The operations port at the hosts of the API; none when there is no such port.</summary>
    internal static IReadOnlyList<string> OfOperations(IConfiguration settings)
    {
        var port = OperationsPort(settings);
        return port == 0 ? [] :
        [
            .. OfApi(settings).Select(BindingAddress.Parse).Where(address => !address.IsUnixPipe && !address.IsNamedPipe)
                .DistinctBy(address => address.Host)
                .Select(address => string.Create(CultureInfo.InvariantCulture, $"{address.Scheme}://{address.Host}:{port}")),
        ];
    }

    internal static int OperationsPort(IConfiguration settings) => HostingOptions.Unchecked(settings).OperationsPort;

    /// <summary>Whether only this machine can reach what listens there.</summary>
    internal static bool IsLoopback(string url)
    {
        var address = BindingAddress.Parse(url);
        return address.IsUnixPipe || address.IsNamedPipe || string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
    }

    /// <summary>Everything that listens for others than this machine: URLs, and the address for silos in a cluster.</summary>
    internal static IReadOnlyList<string> Open(IConfiguration settings)
    {
        var silo = HostingOptions.Unchecked(settings);
        List<string> open = [.. OfApi(settings).Concat(OfOperations(settings)).Where(url => !IsLoopback(url))];
        if (IsSiloOpen(silo))
            open.Add($"{silo.AdvertisedAddress} (Silo:AdvertisedAddress)");
        return open;
    }

    internal static bool IsSiloOpen(HostingOptions silo) =>
        silo.IsCluster && !(IPAddress.TryParse(silo.AdvertisedAddress, out var ip) && IPAddress.IsLoopback(ip));
}
