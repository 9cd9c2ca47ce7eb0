using System.Diagnostics;
using System.Net.Sockets;
using System.Net;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Hosting;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Builder;

namespace ActorStreams.Benchmarks.Lean;

/// <summary>A silo as a process of its own: the stock one, or this program with a command that makes it one.</summary>
internal sealed class SiloChild : IDisposable
{
    private const int PollMilliseconds = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly Process _process;

    private SiloChild(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public TimeSpan ReadyAfter { get; private set; }

    public long Resident
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public long Peak
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public static async Task<SiloChild> StartAsync(string data, string[] settings, params string[] command)
    {
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        var begin = Stopwatch.GetTimestamp();
        string[] program = command.Length == 0 ? ["ActorStreams.Silo.dll"] : ["ActorStreams.Benchmarks.dll", .. command];
        var process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(
                AppContext.BaseDirectory, program[0]), .. program[1..], "--urls", url.ToString(), "--data", data, .. settings])
        {
            RedirectStandardOutput = true,
        })!;
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var silo = new SiloChild(process, url);
        using var client = new ActorStreamsClient(url);
        while (!await client.IsReadyAsync())
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(begin) > Patience)
                throw new InvalidOperationException("The silo did not become ready.");
            await Task.Delay(PollMilliseconds);
        }

        silo.ReadyAfter = Stopwatch.GetElapsedTime(begin);
        return silo;
    }

    /// <summary>Waits until a dataset has so many states, where that is known, and nothing is behind.</summary>
    public async Task WaitUntilAsync(string dataset, long? states)
    {
        using var client = new ActorStreamsClient(Url);
        for (var begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < Patience; await Task.Delay(10 * PollMilliseconds))
        {
            var datasets = await client.DatasetsAsync();
            if (datasets.All(d => d.Behind?.Records is 0) && (states is null || datasets.First(d => d.Name == dataset).States == states))
                return;
        }

        throw new InvalidOperationException($"'{dataset}' did not come to {states} states.");
    }

    /// <summary>This program as a silo: what <see cref="StartAsync"/> starts where it is given a command.</summary>
    public static async Task<int> RunAsync(string[] args, Action<TopologyBuilder> define)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration["Silo:DataDirectory"] ??= builder.Configuration["data"];
        builder.AddActorStreams(define);
        await using var app = builder.Build();
        await app.MapActorStreams().RunAsync();
        return 0;
    }

    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])!;
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
