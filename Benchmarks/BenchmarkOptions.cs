namespace ActorStreams.Benchmarks;

/// <summary>What a run is asked to do.</summary>
internal sealed record BenchmarkOptions
{
    /// <summary>Measured rounds; the median of them is reported.</summary>
    public int Rounds { get; init; } = 7;

    /// <summary>Records of the generated input.</summary>
    public int Records { get; init; } = 1_000_000;

    /// <summary>Partitions of every dataset, where the silo's path is measured.</summary>
    public int Partitions { get; init; } = 4;

    /// <summary>Records a second, where a steady load is measured.</summary>
    public int Rate { get; init; } = 1_000;

    /// <summary>The history of a git repository, gzipped NDJSON; null to leave the real input out.</summary>
    public string? Git { get; init; }

    /// <summary>How to reach a PostgreSQL, in Npgsql's form; null to leave it out.</summary>
    public string? Postgres { get; init; }

    /// <summary>Runs only the variant of this letter, round after round, for a profiler to look at.</summary>
    public string? Only { get; init; }

    public static BenchmarkOptions Parse(string[] args)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            options = args[i] switch
            {
                "--rounds" => options with { Rounds = Number(args[i + 1]) },
                "--records" => options with { Records = Number(args[i + 1]) },
                "--partitions" => options with { Partitions = Number(args[i + 1]) },
                "--rate" => options with { Rate = Number(args[i + 1]) },
                "--git" => options with { Git = args[i + 1] },
                "--postgres" => options with { Postgres = args[i + 1] },
                "--only" => options with { Only = args[i + 1] },
                _ => throw new ArgumentException($"There is no option '{args[i]}'."),
            };
        }

        return args.Length % 2 == 0 ? options : throw new ArgumentException($"'{args[^1]}' has no value.");
    }

    public static async Task<int> UsageAsync()
    {
        await Console.Error.WriteLineAsync("""
            dotnet run -c Release --project Benchmarks -- fold [--rounds N] [--records N] [--git FILE] [--only a|b|b+]
            dotnet run -c Release --project Benchmarks -- silo [--rounds N] [--records N] [--partitions N] [--only a|c|d]
            dotnet run -c Release --project Benchmarks -- kafka [--rounds N] [--records N] [--partitions N]
                [--postgres CONNECTION] [--only a|b|c|d]
            dotnet run -c Release --project Benchmarks -- bounded [--records N] [--partitions N] [--rate N]
            dotnet run -c Release --project Benchmarks -- builds [--records N] [--partitions N] [--rate N]
            dotnet run -c Release --project Benchmarks -- hot [--records N] [--partitions N] [--rate N] [--only a|b|c|d|e]
            dotnet run -c Release --project Benchmarks -- lean [--records N]
            """);
        return 2;
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
