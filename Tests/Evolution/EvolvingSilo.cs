using ActorStreams.Folding;
using ActorStreams.Hosting;
using ActorStreams.Tests.EndToEnd;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// A silo with the definitions of one deployment, as a process of its own: <c>--deployment=number</c>. Views are backfilled by few states
/// at a time, and everything is done often, so that a kill falls into the midst of it.
/// </summary>
internal static class EvolvingSilo
{
    internal const string Command = "evolving-silo";
    private const string DeploymentArgument = "--deployment=";

    /// <summary>A view is backfilled by so many states at a time.</summary>
    internal static FoldOptions Fold { get; } = new() { ChunkStates = 4 };

    internal static string[] Settings { get; } =
    [
        "--Streams:KeeperIntervalSeconds=0.2", "--Streams:CheckpointIntervalSeconds=0.1", "--Streams:BatchRecords=15",
        "--Streams:TableEntries=30", "--Streams:MaxRetrySeconds=1", $"--Streams:OtherTopics:0={Deployment.Sales}",
        $"--Streams:OtherTopics:1={Deployment.OtherSales}",
    ];

    /// <summary>The silo, not yet started.</summary>
    internal static SiloProcess New(string? data = null, params string[] settings) =>
        new(data) { Program = ["ActorStreams.Tests.dll", Command], Settings = [.. Settings, .. settings] };

    internal static string Argument(Deployment deployment) =>
        string.Create(CultureInfo.InvariantCulture, $"{DeploymentArgument}{deployment.Number}");

    internal static async Task<int> RunAsync(string[] args)
    {
        var given = args.Single(arg => arg.StartsWith(DeploymentArgument, StringComparison.Ordinal));
        var deployment = new Deployment(int.Parse(given.AsSpan(DeploymentArgument.Length), CultureInfo.InvariantCulture));
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args =
            [
                .. args.Where(arg => arg != given).Select(
                    arg => arg switch { "--data" => "--Silo:DataDirectory", "--rebuild" => "--Silo:Rebuild=true", _ => arg }),
            ],
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.AddActorStreams(deployment.AddTo);
        builder.Services.AddSingleton(Fold);
        await using var app = builder.Build();
        app.MapActorStreams();
        await app.RunAsync();
        return 0;
    }
}
