using ActorStreams.Benchmarks;
using ActorStreams.Benchmarks.Bounded;
using ActorStreams.Benchmarks.Builds;
using ActorStreams.Benchmarks.Fold;
using ActorStreams.Benchmarks.Hot;
using ActorStreams.Benchmarks.Kafka;
using ActorStreams.Benchmarks.Lean;
using ActorStreams.Benchmarks.Silo;

return await (args.FirstOrDefault() switch
{
    "fold" => FoldBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "silo" => SiloBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "kafka" => KafkaBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    "bounded" => BoundedBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    BoundedBenchmark.SiloCommand => BoundedBenchmark.RunSiloAsync(args[1..]),
    "builds" => BuildsBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    BuildsBenchmark.SiloCommand => BuildsBenchmark.RunSiloAsync(args[1..]),
    "hot" => HotBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    HotBenchmark.SiloCommand => HotBenchmark.RunSiloAsync(args[1..]),
    "lean" => LeanBenchmark.RunAsync(BenchmarkOptions.Parse(args[1..])),
    _ => BenchmarkOptions.UsageAsync(),
});
