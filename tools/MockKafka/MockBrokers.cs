using System.Diagnostics;

namespace ActorStreams.MockKafka;

/// <summary>
/// A mock Kafka cluster in a process of its own: it outlives silos that a test kills, and ends with the test. Brokers are numbered
/// from 1; -1 is all of them.
/// </summary>
public sealed class MockBrokers : ITestBrokers
{
    /// <summary>Request types that errors can be pushed for.</summary>
    public const int Produce = 0, Fetch = 1, ListOffsets = 2, Metadata = 3;

    private readonly Process _process;
    private readonly SemaphoreSlim _gate = new(1);

    private MockBrokers(Process process, string bootstrapServers)
    {
        _process = process;
        BootstrapServers = bootstrapServers;
    }

    public string BootstrapServers { get; }

    /// <summary>The native and managed memory of the brokers, in bytes.</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static async Task<MockBrokers> StartAsync(int brokers = 1, int maxPartitionMebibytes = 4096)
    {
        var process = Process.Start(new ProcessStartInfo
        {
            FileName = Path.Combine(AppContext.BaseDirectory, "ActorStreams.MockKafka" + (OperatingSystem.IsWindows() ? ".exe" : "")),
            ArgumentList = { "--driven", "--brokers", $"{brokers}", "--max-mib", $"{maxPartitionMebibytes}" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        return new(
            process,
            await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The mock cluster did not start."));
    }

    public Task CreateTopicAsync(string topic, int partitions, int replication = 1) => DoAsync($"topic {topic} {partitions} {replication}");

    public Task DeleteTopicAsync(string topic) => DoAsync($"delete-topic {topic}");

    public Task DeleteRecordsAsync(string topic, int partition, long before) => DoAsync($"delete-records {topic} {partition} {before}");

    public Task SetLeaderAsync(string topic, int partition, int broker) => DoAsync($"leader {topic} {partition} {broker}");

    public Task DownAsync(int broker = -1) => DoAsync($"down {broker}");

    public Task UpAsync(int broker = -1) => DoAsync($"up {broker}");

    public Task SetRoundTripAsync(int milliseconds, int broker = -1) => DoAsync($"rtt {broker} {milliseconds}");

    /// <inheritdoc/>
    public Task PushErrorsAsync(int requestType, params IEnumerable<int> errors) =>
        DoAsync($"errors {requestType} {string.Join(' ', errors)}");

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _gate.Dispose();
    }

    private async Task DoAsync(string line)
    {
        await _gate.WaitAsync();
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
            await _process.StandardInput.FlushAsync();
            var answer = await _process.StandardOutput.ReadLineAsync() ?? "The mock cluster has ended.";
            if (answer != "ok")
                throw new InvalidOperationException($"{line}: {answer}");
        }
        finally
        {
            _gate.Release();
        }
    }
}
