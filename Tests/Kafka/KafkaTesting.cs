using System.Collections.Concurrent;
using ActorStreams.Log;
using ActorStreams.Tests.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Kafka;

internal static class KafkaTesting
{
    /// <summary>As many records as this, read live.</summary>
    public static async Task<List<ChangeRecord>> TakeAsync(
        this IChangeLog log, TopicPartition partition, long from, int count, ReadLimits? limits = null)
    {
        var records = new List<ChangeRecord>();
        await foreach (var batch in log.ReadAsync(
            partition, from, limits ?? ReadLimits.Default, cancellationToken: TestContext.Current.CancellationToken))
        {
            records.AddRange(batch.Records);
            if (records.Count >= count)
                break;
        }

        return records;
    }

    public static IEnumerable<string> Values(this IEnumerable<ChangeRecord> records) => records.Select(r => r.Value.Text());

    public static NewRecord[] Numbered(int from, int count, int partition = 0, int bytes = 0) =>
        [.. Enumerable.Range(from, count).Select(i => LogTesting.Record("k", $"{i}".PadRight(bytes), partition: partition))];
}

/// <summary>Keeps all that is logged.</summary>
internal sealed class Logged : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    public string All => string.Join('\n', _lines.Select(line => line.Text));

    public IEnumerable<string> Warnings => _lines.Where(line => line.Level >= LogLevel.Warning).Select(line => line.Text);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, formatter(state, exception)));

    public void Dispose()
    {
    }
}
