using ActorStreams.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>
/// A silo with <see cref="Ledger"/>s, as a process of its own: with the environment variable
/// <see cref="FixedVariable"/> its definitions are mended, and with <see cref="StopsVariable"/> they stop at what they cannot fold.
/// </summary>
internal static class PoisonSilo
{
    internal const string Command = "poison-silo";
    internal const string FixedVariable = "ACTORSTREAMS_TESTS_FIXED";
    internal const string StopsVariable = "ACTORSTREAMS_TESTS_STOPS";

    internal static async Task<int> RunAsync(string[] args)
    {
        Ledger.IsFixed = Environment.GetEnvironmentVariable(FixedVariable) == "true";
        Ledger.Stops = Environment.GetEnvironmentVariable(StopsVariable) == "true";
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = [.. args.Select(arg => arg switch { "--data" => "--Silo:DataDirectory",
            "--rebuild" => "--Silo:Rebuild=true", _ => arg })],
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.AddActorStreams(Ledger.AddTo);
        await using var app = builder.Build();
        app.MapActorStreams();
        await app.RunAsync();
        return 0;
    }
}
