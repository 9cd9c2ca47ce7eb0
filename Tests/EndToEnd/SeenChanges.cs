using System.Net.ServerSentEvents;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>What one change was, as its watcher was told.</summary>
internal sealed record SeenChange(string Id, string? Before, string? After)
{
    internal static SeenChange Of(SseItem<string> item)
    {
        Assert.Equal("change", item.EventType);
        var data = JsonElement.Parse(item.Data);
        return new(item.EventId!, Text(data.GetProperty("before")), Text(data.GetProperty("after")));
    }

    internal static string? Text(JsonElement json) =>
        json.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : json.GetRawText();
}

/// <summary>Watches a key from before its first record on, over any number of lives of the silo, and knows what it has seen.</summary>
internal sealed class SeenChanges : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<WatchEvent<JsonElement>> _events = [];
    private readonly ActorStreamsClient _client;
    private readonly Task _watching;
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SeenChanges(SiloProcess silo, string dataset, string key)
    {
        (Dataset, Key, _client) = (dataset, key, silo.NewClient());
        _watching = WatchAsync();
    }

    internal string Dataset { get; }

    internal string Key { get; }

    /// <summary>Completes when the watch has begun with the state of its key.</summary>
    internal Task Begun => _begun.Task;

    internal IReadOnlyList<SeenChange> Changes
    {
        get
        {
            lock (_gate)
                return [.. _events.Skip(1).Select(e => new SeenChange(e.Id, SeenChange.Text(e.Before), SeenChange.Text(e.After)))];
        }
    }

    /// <summary>Waits until the last change it saw led to this state.</summary>
    internal async Task ReachesAsync(string? state, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        while (Last() != state)
        {
            if (_watching.IsCompleted)
                await _watching;
            Assert.False(
                limit.IsCancellationRequested,
                $"The watch of {Dataset} '{Key}' has {Last()} after {Changes.Count} changes, but the state is {state}.");
            await Task.Delay(20);
        }
    }

    /// <summary>
    /// Each change once and in order: it begins with no state, every change begins where the one before ended, and places rise.
    /// </summary>
    internal void CheckChain()
    {
        lock (_gate)
        {
            Assert.Equal(WatchEventKind.State, _events[0].Kind);
            Assert.Null(SeenChange.Text(_events[0].After));
            for (var i = 1; i < _events.Count; i++)
            {
                var (one, next) = (_events[i - 1], _events[i]);
                Assert.Equal(WatchEventKind.Change, next.Kind);
                Assert.True(
                    SeenChange.Text(one.After) == SeenChange.Text(next.Before),
                    $"{Dataset} '{Key}' goes on at {next.Id} from {next.Before}, but ended at {one.Id} with {one.After}.");
                Assert.True(
                    i == 1 || (one.Position!.Offset, one.Position.Index).CompareTo((next.Position!.Offset, next.Position.Index)) < 0,
                    $"{next.Id} follows {one.Id}.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _stop.Dispose();
    }

    private string? Last()
    {
        lock (_gate)
            return _events.Count == 0 ? null : SeenChange.Text(_events[^1].After);
    }

    private async Task WatchAsync()
    {
        await foreach (var item in _client.WatchAsync<JsonElement>(Dataset, Key, cancellationToken: _stop.Token))
        {
            lock (_gate)
                _events.Add(item);
            _begun.TrySetResult();
        }
    }
}
