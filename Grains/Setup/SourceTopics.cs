using System.Collections.Concurrent;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Partitions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ActorStreams.Grains.Setup;

/// <summary>
/// Checks at an interval that the source topics, which belong to their producers, still have the partitions that are followed. A change
/// is reported, and nothing else is done; what it means is decided at the next start (<see cref="TopicSetup"/>).
/// </summary>
internal sealed partial class SourceTopics(
    Topology topology, IChangeLog log, IOptions<StreamsOptions> options, TimeProvider time, ILogger<SourceTopics> logger)
        : BackgroundService
{
    private readonly ConcurrentDictionary<string, (int Difference, string Sentence)> _troubles = new(StringComparer.Ordinal);

    /// <summary>A sentence for each topic that has changed.</summary>
    internal IEnumerable<string> Troubles => _troubles.Values.Select(trouble => trouble.Sentence);

    /// <summary>For each source topic, how many partitions it has that are not followed, or are followed and gone.</summary>
    internal IEnumerable<(string Topic, int Partitions)> Differences =>
        topology.SourceTopics.Select(topic => (topic, _troubles.TryGetValue(topic, out var trouble) ? trouble.Difference : 0));

    /// <summary>Looks once.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var topic in topology.SourceTopics)
        {
            var followed = topology.Definitions.Concat(topology.Datasets).First(dataset => dataset.Topic == topic).Partitions;
            var there = (await log.DescribeAsync(topic, cancellationToken))?.Partitions;
            if (there == followed)
            {
                _troubles.TryRemove(topic, out _);
                continue;
            }

            var sentence = Sentence(topic, followed, there);
            if (!_troubles.TryGetValue(topic, out var before) || before.Sentence != sentence)
                LogChanged(logger, sentence);
            _troubles[topic] = (Math.Abs((there ?? 0) - followed), sentence);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.TopicCheckIntervalSeconds), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // The log is unreachable, which its partitions report themselves.
                LogNotLooked(logger, error);
            }
        }
    }

    private static string Sentence(string topic, int followed, int? there) => there switch
    {
        null => $"Topic '{topic}' is gone, of which {followed} partitions are followed: nothing of it is folded any more. "
            + "Bring it back, or take the entities of it out of the definitions.",
        { } more when more > followed =>
            $"Topic '{topic}' has {more} partitions, but {followed} are followed: records in the others are not folded. "
            + "Start the silos again; they say whether that is all that is needed.",
        { } fewer =>
            $"Topic '{topic}' has {fewer} partitions, but {followed} are followed: this is another topic than the one that was folded. "
            + "Bring it back, or start once with --rebuild.",
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Sentence}")]
    private static partial void LogChanged(ILogger logger, string sentence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The source topics could not be looked at.")]
    private static partial void LogNotLooked(ILogger logger, Exception error);
}
