using ActorStreams.Definitions;
using ActorStreams.Hosting;
using ActorStreams.Grains;
using ActorStreams.Grains.Setup;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Storage;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Sqlite.Files;
using Microsoft.Extensions.Options;

namespace ActorStreams.Silo;

/// <summary>The stock silo: all definitions of the assemblies it references, on an embedded log and store.</summary>
public static class SiloProgram
{
    private const string SettingsFile = "settings";
    private const string MigrateOption = "--migrate";
    private const string EndOption = "--end";

    private const string Usage = """
        A silo: folds the change log into entities and views, and answers over HTTP.

          --urls URL       where to listen (default http://127.0.0.1:8080)
          --settings FILE  settings as JSON
          --data DIR       where the log and the states are kept (default ./data)
          --rebuild        forget all states, and fold everything again from the log
          --end            with --rebuild: end when all states are forgotten; silos that start afterwards fold
          --migrate        set up and upgrade the tables in PostgreSQL, and end

        Every other setting can be given as --Section:Name VALUE; docs/reference/settings.md lists them.
        """;

    /// <summary>Runs until it is asked to stop.</summary>
    /// <returns>0 after a clean stop, 1 when it could not start.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Contains("--help") || args.Contains("-h"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        try
        {
            CommandLineArguments.Check(args);
            var given = Expand(args);
            var builder =
                WebApplication.CreateBuilder(new WebApplicationOptions { Args = given, ContentRootPath = AppContext.BaseDirectory });
            if (builder.Configuration[SettingsFile] is { } file)
            {
                // What is said on the command line and in the environment goes before it.
                builder.Configuration.AddJsonFile(Path.GetFullPath(file), optional: false).AddEnvironmentVariables().AddCommandLine(given);
            }

            builder.AddActorStreams(DefinitionFinder.AddAll);
            await using var app = builder.Build();
            if (args.Contains(MigrateOption))
                return await MigrateAsync(app.Services);
            app.MapActorStreams();
            if (args.Contains(EndOption))
            {
                await app.RebuildActorStreamsAsync();
                return 0;
            }

            if (await TryStartAsync(app))
                await app.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception error) when (Explanation(error) is { } explanation)
        {
            await Console.Error.WriteLineAsync($"The silo cannot start. {explanation}");
            return 1;
        }
    }

    private static async Task<int> MigrateAsync(IServiceProvider services)
    {
        var applied = await PostgresSchema.MigrateAsync(services.GetRequiredService<IOptions<PostgresOptions>>().Value);
        Console.WriteLine(applied.Count == 0 ? "The tables are up to date." : $"Applied {string.Join(", ", applied)}.");
        return 0;
    }

    /// <summary>
    /// Starts; where that fails, stops in order what has started already, so that nothing runs on among what is being taken down. False
    /// when it is asked to stop before it has started.
    /// </summary>
    private static async Task<bool> TryStartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
            return true;
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await app.StopAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return false;
        }
        catch
        {
            await app.StopAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>The short options, as the configuration knows them.</summary>
    private static string[] Expand(string[] args) =>
    [
        .. args.Where(arg => arg != EndOption).Select(arg => arg switch
        {
            "--data" => "--Silo:DataDirectory",
            "--rebuild" => "--Silo:Rebuild=true",
            MigrateOption => "--Silo:States=postgres",
            _ when arg.StartsWith("--data=", StringComparison.Ordinal) => "--Silo:DataDirectory=" + arg["--data=".Length..],
            _ => arg,
        }),
    ];

    /// <summary>What a person can do something about is said in a sentence; anything else is a bug, and keeps its stack.</summary>
    private static string? Explanation(Exception error) => error switch
    {
        TopologyException or SchemaMismatchException or ClusterInUseException or SourceTopicChangedException
            or DataDirectoryInUseException or TopicMismatchException or TopicNotDeletableException
            or NewerFormatException or DamagedFileException or LogUnavailableException or StoreUnavailableException or ArgumentException =>
                error.Message,
        OptionsValidationException options => Explanation([options]),
        AggregateException many when many.InnerExceptions.OfType<OptionsValidationException>().ToList() is { Count: > 1 } options =>
            Explanation(options),
        // A setting that is no number, and an address that is none.
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" }
            or FormatException { Source: "Microsoft.AspNetCore.Http" } => error.Message,
        IOException or UnauthorizedAccessException =>
            error.Message + (error.Message.Contains("address already in use", StringComparison.OrdinalIgnoreCase)
                ? " Stop the program that listens there, or choose another address with --urls." : ""),
        AggregateException { InnerExceptions: [var inner] } => Explanation(inner),
        _ => null,
    };

    private static string Explanation(IEnumerable<OptionsValidationException> errors) =>
        "Settings are wrong:" + string.Concat(errors.SelectMany(error => error.Failures).Select(failure => $"\n- {failure}"));
}
