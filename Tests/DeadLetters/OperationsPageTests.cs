using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>
/// The operations page in a real browser. With the environment variable ACTORSTREAMS_SCREENSHOTS the pictures go
/// into that folder: docs/images.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class OperationsPageTests : EndToEndTest
{
    private const string Evil = "<img src=x onerror=\"window.evil=1\"><script>window.evil=1</script>";
    private const string Loaded =
        "document.getElementById('live').textContent.includes('seen by') && document.querySelectorAll('.letter').length > 0";

    [Fact]
    public async Task The_page_runs_no_script_but_its_own()
    {
        var silo = await StartSiloAsync();
        using var page = await silo.Http.GetAsync(silo.Raw("operations"));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("script-src 'self';", string.Join("", page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        var script = (await silo.GetAsync("operations/page.js")).Body;
        Assert.All(new[]
        {
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
        }, text => Assert.DoesNotContain(text, script, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_page_shows_what_is_there_escapes_it_and_redrives_when_it_is_confirmed()
    {
        await using var browser = await Browser.StartAsync();
        var silo = await StartSiloAsync();
        await FillAsync(silo);
        using var temporary = new TemporaryDirectory();
        var folder = Environment.GetEnvironmentVariable("ACTORSTREAMS_SCREENSHOTS") is { Length: > 0 } given
            ? Directory.CreateDirectory(given).FullName
            : temporary.Path;

        foreach (var (width, dark) in new[] { (1280, false), (1280, true), (390, false), (390, true) })
        {
            await browser.OpenAsync(new(silo.Url, "operations"), width, dark, Loaded);
            if (width > 1_000)
                await browser.EvaluateAsync("document.querySelector('#datasets button').click()");
            await browser.ScreenshotAsync(Path.Combine(folder, $"operations-{width}{(dark ? "-dark" : "")}.png"), width);
            Assert.True(
                (await browser.EvaluateAsync("document.documentElement.scrollWidth <= innerWidth")).GetBoolean(),
                $"At {width} pixels the page is wider than that.");
        }

        // What records hold is shown as it is, and does nothing.
        Assert.True((await browser.EvaluateAsync(
            "window.evil === undefined && document.querySelector('#letters img, #letters script, #troubles img') === null")).GetBoolean());
        Assert.Contains(
            Evil, (await browser.EvaluateAsync("document.getElementById('letters').textContent")).GetString(), StringComparison.Ordinal);
        await browser.EvaluateAsync("document.querySelector('.letter .acts button').click()");
        await browser.UntilAsync("document.querySelector('.letter pre') !== null");
        Assert.True((await browser.EvaluateAsync("window.evil === undefined && document.querySelector('.letter pre *') === null"))
            .GetBoolean());

        // Nothing without a yes, and with it once.
        await browser.OpenAsync(new(silo.Url, "operations"), 1280, dark: false, Loaded);
        var before = (await silo.Client.TopicsAsync()).Single(topic => topic.Topic == "shop.orders").Partitions
            .Sum(partition => partition.End);
        await browser.EvaluateAsync("document.querySelector('.letter button.do').click()");
        await browser.UntilAsync("document.getElementById('confirm').open");
        await browser.ScreenshotAsync(Path.Combine(folder, "operations-redrive.png"), 1280, maxHeight: 900);
        await browser.EvaluateAsync("document.querySelector('#confirm button').click()");
        Assert.Equal(
            before,
            (await silo.Client.TopicsAsync()).Single(topic => topic.Topic == "shop.orders").Partitions.Sum(partition => partition.End));
        await browser.EvaluateAsync("document.querySelector('.letter button.do').click()");
        await browser.UntilAsync("document.getElementById('confirm').open");
        await browser.EvaluateAsync("document.getElementById('yes').click()");
        await browser.UntilAsync("document.getElementById('notice').textContent.includes('1 failed again')");
        Assert.Equal(
            before + 1,
            (await silo.Client.TopicsAsync()).Single(topic => topic.Topic == "shop.orders").Partitions.Sum(partition => partition.End));

        foreach (var width in new[] { 1280, 390 })
        {
            await browser.OpenAsync(
                new(silo.Url, "dashboard/"), width, dark: false,
                "/grain/i.test(document.body.innerText) && /silo/i.test(document.body.innerText)");
            await Task.Delay(3_000); // its curves need some points
            await browser.ScreenshotAsync(Path.Combine(folder, $"dashboard-{width}.png"), width, maxHeight: 1_400);
        }
    }

    [Fact]
    public async Task Builds_are_shown_and_changed_by_buttons_when_it_is_confirmed()
    {
        await using var browser = await Browser.StartAsync();
        var silo = await StartSiloAsync("--Streams:Cutover=ByCommand", "--Streams:KeeperIntervalSeconds=0.5");
        await silo.Client.AppendAsync(
            "shop.orders",
            Enumerable.Range(0, 500).Select(i => new AppendRecord
            {
                Key = $"o{i}", Value = new { type = "placed", customer = $"customer-{i % 60}", total = i },
            }));
        await silo.CaughtUpAsync("shop.orders");
        using var temporary = new TemporaryDirectory();
        var folder = Environment.GetEnvironmentVariable("ACTORSTREAMS_SCREENSHOTS") is { Length: > 0 } given
            ? Directory.CreateDirectory(given).FullName
            : temporary.Path;
        const string Rows = "[...document.querySelectorAll('#builds tr')].map(row => row.querySelector('b').textContent + ' ' "
            + "+ [...row.querySelectorAll('.tag')].map(tag => tag.textContent).join(' '))";
        async Task PressAsync(string row, string button, string outcome)
        {
            await browser.UntilAsync($"{Rows}.includes('{row}')");
            await browser.EvaluateAsync(
                $"[...document.querySelectorAll('#builds tr')].find(row => row.querySelector('b').textContent === '{row.Split(' ')[0]}')"
                + $".querySelectorAll('button').values().find(button => button.textContent === '{button}…').click()");
            await browser.UntilAsync("document.getElementById('confirm').open");
            await browser.EvaluateAsync("document.getElementById('yes').click()");
            await browser.UntilAsync($"{Rows}.includes('{outcome}')");
        }

        await browser.OpenAsync(new(silo.Url, "operations"), 1280, dark: false, "document.querySelectorAll('#builds tr').length > 1");
        await PressAsync("order@1 active", "Rebuild", "spend@2 ready");
        foreach (var width in new[] { 1280, 390 })
        {
            await browser.OpenAsync(new(silo.Url, "operations"), width, dark: false, $"{Rows}.includes('order@2 ready')");
            await browser.ScreenshotAsync(Path.Combine(folder, $"builds-{width}.png"), width);
            Assert.True(
                (await browser.EvaluateAsync("document.documentElement.scrollWidth <= innerWidth")).GetBoolean(),
                $"At {width} pixels the page is wider than that.");
        }

        await PressAsync("order@2 ready", "Cutover", "order@1 previous");
        Assert.Equal(2, (await silo.Client.DatasetsAsync()).Single(dataset => dataset.Name == "order").Build);
        await PressAsync("order@2 active", "Rollback", "order@2 previous");
        await PressAsync("order@2 previous", "Retire", "order@2 retired");
        await browser.UntilAsync($"{Rows}.filter(row => row.startsWith('order@')).join() === 'order@1 active'");
    }

    private static async Task FillAsync(SiloProcess silo)
    {
        var random = new Random(1);
        await silo.Client.AppendAsync(
            "shop.orders",
            Enumerable.Range(0, 3_000)
                .Select(i => new AppendRecord
                {
                    Key = $"o{i % 900}",
                    Value = new { type = "placed", customer = $"customer-{random.Next(60)}", total = random.Next(1, 400) },
                }));
        foreach (var lines in GitInput.Instance.Lines.Take(4_000).Chunk(1_000))
            await silo.Client.AppendAsync(
                GitInput.Topic, lines.Select(line => new AppendRecord { Key = line.GetProperty("path").GetString()!, Value = line }));
        await silo.Client.AppendAsync("shop.orders",
        [
            new() { Key = "o17", Value = new { type = "placed", customer = "customer-7", total = "twelve" } },
            new() { Key = "o18", Value = new { type = "placed", customer = (string?)null, total = 12 } },
            new() { Key = "o19", Value = new { type = "refunded", total = 40 } },
            new() { Key = Evil, Value = new { type = Evil } },
        ]);
        await silo.CaughtUpAsync("shop.orders");
        await silo.CaughtUpAsync(GitInput.Topic);
        await UntilAsync(
            async () => (await silo.Client.Operations.DeadLettersAsync("order").ToListAsync()).Count == 4, "four dead letters");
    }
}
