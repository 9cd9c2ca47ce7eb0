using System.Text.Json;
using ActorStreams.Cli;
using ActorStreams.Cli.Terminal;
using Microsoft.AspNetCore.Http;

namespace ActorStreams.Tests.Client;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Output_to_a_pipe_is_a_JSON_value_a_line()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 2));
        silo.Other = (context, _) => context.Response.WriteAsJsonAsync(FakeSilo.State("file", "a", new { x = "ü<>" }, 4));

        Assert.Equal("0 file folder", Names(await RunAsync(silo, "datasets"), "name"));
        Assert.Equal("0 t", Names(await RunAsync(silo, "topics"), "topic"));
        Assert.Equal(
            """{"topic":"t","partition":0,"offset":0}""",
            (await RunAsync(silo, "append", "t", "k", "[1,2]")).Output.Replace("\"partition\":1", "\"partition\":0").Trim());
        Assert.Contains(
            "\"state\":{\"x\":\"ü<>\"},\"position\":{\"topic\":\"t\",\"partition\":0,\"offset\":4}",
            (await RunAsync(silo, "get", "file", "a")).Output);
    }

    [Fact]
    public async Task Exit_codes_tell_a_missing_key_from_a_failure_and_from_wrong_usage()
    {
        await using var silo = await FakeSilo.StartAsync();

        var missing = await RunAsync(silo, "get", "file", "nothing");
        var failed = await RunAsync(silo, "get", "no such", "a");
        var usage = await RunAsync(silo, "get", "file");

        Assert.Equal((3, 1, 2), (missing.Code, failed.Code, usage.Code));
        Assert.Equal("'file' has no state for the key 'nothing'.\n", missing.Error);
        Assert.StartsWith("There is no dataset 'no such'", failed.Error);
        Assert.Equal("", missing.Output + failed.Output);
    }

    [Fact]
    public async Task A_load_reports_what_it_did_and_a_second_one_resumes_after_it()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 2));
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            file, "{\"path\":\"a\",\"n\":1.50}\n{\"path\":\"b\",\"n\":2}\n", TestContext.Current.CancellationToken);

        var first = await RunAsync(silo, "load", "ndjson", file, "--topic", "t", "--key", "path");
        var second = await RunAsync(silo, "load", "ndjson", file, "--topic", "t", "--key", "path", "--resume");
        File.Delete(file);

        Assert.Equal((0, 0), (first.Code, second.Code));
        Assert.StartsWith("""{"topic":"t","records":2,"skipped":0,""", first.Output);
        Assert.StartsWith("""{"topic":"t","records":0,"skipped":2,""", second.Output);
        Assert.Equal(2, silo.Contents("t").Count);
    }

    [Fact]
    public async Task A_rebuild_that_is_waited_for_shows_how_far_it_is_and_ends_when_readers_have_moved()
    {
        await using var silo = await FakeSilo.StartAsync();
        var looks = 0;
        silo.Other = (context, target) => target switch
        {
            "/api/builds/file/rebuild" when context.Request.Headers["X-ActorStreams"] == "operate" =>
                Builds(context, "building", "building"),
            "/api/builds" => ++looks == 1 ? Builds(context, "ready", "building") : Builds(context, "active", "active"),
            _ => FakeSilo.ProblemAsync(context, 404, $"Nothing at {target}."),
        };
        static Task Builds(HttpContext context, string file, string folder) => context.Response.WriteAsJsonAsync(new[]
        {
            Build("file", 1, file == "active" ? "previous" : "active"), Build("file", 2, file), Build("folder", 2, folder, "file@2"),
            Build("other", 1, "active"),
        });

        var run = await RunAsync(silo, "rebuild", "file", "--wait");

        Assert.Equal(0, run.Code);
        Assert.StartsWith(
            "file@2 building: 40 of 100 records, 7 a second, 9 s left, 40.0%\nfolder@2 building: 40 of 100 records, 7 a second, 9 s left, "
            + "40.0%\n", run.Error.Replace("\u00a0", "", StringComparison.Ordinal).Replace(" %", "%", StringComparison.Ordinal));
        Assert.EndsWith("Readers get file@2, folder@2 now. 'actorstreams rollback file' moves them back.\n", run.Error);
        Assert.Equal("0 file folder", Names(run, "dataset"));
    }

    [Fact]
    public async Task Builds_are_moved_and_retired_by_their_paths_and_a_refusal_is_a_failure()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other = (context, target) => target.EndsWith("/no%2Fne/rollback", StringComparison.Ordinal)
            ? FakeSilo.ProblemAsync(context, 409, "There is nothing to roll back to.")
            : context.Response.WriteAsJsonAsync(new[] { Build("file", 1, "active") });
        foreach (var arguments in new[] { "builds", "cutover", "cutover file", "rollback file", "retire file 3" })
            Assert.Equal("0 file", Names(await RunAsync(silo, arguments.Split(' ')), "dataset"));
        Assert.Equal(
            [
                "/api/builds", "/api/builds/cutover", "/api/builds/file/cutover", "/api/builds/file/rollback", "/api/builds/file/3/retire",
            ], silo.Requests);
        var refused = await RunAsync(silo, "rollback", "no/ne");
        Assert.Equal((1, "There is nothing to roll back to.\n"), (refused.Code, refused.Error));
    }

    private static object Build(string dataset, int build, string status, params string[] sources) => new
    {
        dataset, build, status, isActive = status == "active", version = 1, topic = "t", sources, why = "It is new.",
        made = DateTimeOffset.UnixEpoch, states = 3, progress = 0.4, folded = 40, behindRecords = 60,
        recordsPerSecond = status == "building" ? 7.2 : (double?)null, secondsLeft = status == "building" ? 9.1 : (double?)null,
    };

    [Fact]
    public async Task A_load_without_a_topic_names_the_topics_there_are()
    {
        await using var silo = await FakeSilo.StartAsync(("orders", 2));
        var error = (await RunAsync(silo, "load", "ndjson", "-", "--topic", "order")).Error;
        Assert.Equal($"There is no topic 'order' at {silo.Url}. It has 'orders'.\n", error);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(FakeSilo silo, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var shell = new Shell(output, error, outputIsTerminal: false, errorIsTerminal: false);
        var code = await CommandLine.RunAsync([.. arguments, "--url", silo.Url.AbsoluteUri], shell, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private static string Names((int Code, string Output, string Error) run, string member) => $"{run.Code} " + string.Join(
        ' ',
        run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty(member).GetString()));
}
