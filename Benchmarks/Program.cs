using ActorStreams.Benchmarks;

return await (args.FirstOrDefault() switch
{
    "fold" => FoldBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "silo" => SiloBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "kafka" => KafkaBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "bounded" => BoundedBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    BoundedBenchmark.SiloCommand => BoundedBenchmark.RunSiloAsync(args[1..]),
    "lean" => LeanBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    _ => BenchmarkOptions.UsageAsync(),
});
