using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>A real browser, Debian's chromium without a window, spoken to by its DevTools protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly TemporaryDirectory _profile;
    private readonly ClientWebSocket _page = new();
    private int _number;

    private Browser(Process process, TemporaryDirectory profile) => (_process, _profile) = (process, profile);

    /// <summary>Starts it; skips the test where there is none, but not where <c>CI</c> is set.</summary>
    internal static async Task<Browser> StartAsync()
    {
        Needed.Program("chromium", "Install the Debian package of this name.");
        var profile = new TemporaryDirectory();
        var start = new ProcessStartInfo("chromium") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[]
        {
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
            "--remote-debugging-port=0", $"--user-data-dir={profile.Path}", "about:blank",
        })
            start.ArgumentList.Add(argument);
        var browser = new Browser(Process.Start(start)!, profile);
        await browser.ConnectAsync();
        return browser;
    }

    /// <summary>Opens an address at a width, and waits until a condition of the page's script holds.</summary>
    internal async Task OpenAsync(Uri address, int width, bool dark, string until)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new { width, height = 900, deviceScaleFactor = 1, mobile = width < 600 });
        await SendAsync(
            "Emulation.setEmulatedMedia",
            new { features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });
        await SendAsync("Page.navigate", new { url = address.AbsoluteUri });
        await UntilAsync(until);
    }

    internal async Task UntilAsync(string condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!(await EvaluateAsync($"document.readyState === 'complete' && !!({condition})")).GetBoolean())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"The page does not come to: {condition}");
            await Task.Delay(100);
        }
    }

    internal async Task<JsonElement> EvaluateAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        Assert.False(answer.TryGetProperty("exceptionDetails", out var error), $"{expression}: {error}");
        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    /// <summary>The whole page as a PNG.</summary>
    internal async Task ScreenshotAsync(string file, int width, int? maxHeight = null)
    {
        var height = (await EvaluateAsync("document.documentElement.scrollHeight")).GetInt32();
        height = Math.Min(height, maxHeight ?? height);
        await SendAsync("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 600 });
        var answer = await SendAsync("Page.captureScreenshot", new { format = "png" });
        await File.WriteAllBytesAsync(file, answer.GetProperty("data").GetBytesFromBase64());
    }

    public async ValueTask DisposeAsync()
    {
        _page.Dispose();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Dispose();
    }

    private async Task ConnectAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        string? line;
        do
            line = await _process.StandardError.ReadLineAsync(limit.Token)
                ?? throw new InvalidOperationException("The browser ended before it listened.");
        while (!line.StartsWith("DevTools listening on ", StringComparison.Ordinal));
        // Nobody reads on, and a full pipe would hold it up. They end with the process.
        _ = _process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{new Uri(line["DevTools listening on ".Length..]).Authority}/") };
        var pages = await http.GetFromJsonAsync<JsonElement[]>("json/list", limit.Token);
        await _page.ConnectAsync(
            new(pages!.First(page => page.GetProperty("type").GetString() == "page").GetProperty("webSocketDebuggerUrl").GetString()!),
            limit.Token);
        await SendAsync("Page.enable", new { });
    }

    private async Task<JsonElement> SendAsync(string method, object parameters)
    {
        using var limit = new CancellationTokenSource(Patience);
        var id = ++_number;
        await _page.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters }), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            var message = await ReceiveAsync(limit.Token);
            if (!message.TryGetProperty("id", out var of) || of.GetInt32() != id)
                continue; // an event
            Assert.False(message.TryGetProperty("error", out var error), $"{method}: {error}");
            return message.GetProperty("result");
        }
    }

    private async Task<JsonElement> ReceiveAsync(CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        var buffer = new byte[64 << 10];
        WebSocketReceiveResult part;
        do
        {
            part = await _page.ReceiveAsync(buffer, cancellationToken);
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonElement.Parse(Encoding.UTF8.GetString(text.ToArray()));
    }
}
