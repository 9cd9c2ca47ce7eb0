using System.Net.ServerSentEvents;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.States;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>An answer as it came.</summary>
internal sealed record Answer(HttpStatusCode Status, string Body)
{
    internal JsonElement Json => JsonElement.Parse(Body);

    internal string State => Json.GetProperty("state").GetRawText();

    /// <summary>The sentence of a problem.</summary>
    internal string Detail => Json.GetProperty("detail").GetString()!;

    internal JsonElement[] Lines => [.. Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
}

/// <summary>What tests ask a silo, without the client library where it matters what exactly goes over the wire.</summary>
internal static class SiloRequests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    internal static Uri Raw(this SiloProcess silo, string path) =>
        new(silo.Url.AbsoluteUri + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    internal static async Task<Answer> GetAsync(this SiloProcess silo, string path)
    {
        using var response = await silo.Http.GetAsync(silo.Raw(path));
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    internal static Task<Answer> PostAsync(this SiloProcess silo, string topic, params IEnumerable<string> lines) =>
        silo.PostAsync(topic, new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson"));

    internal static async Task<Answer> PostAsync(this SiloProcess silo, string topic, HttpContent content)
    {
        using var response = await silo.Http.PostAsync(new Uri($"api/topics/{topic}/records", UriKind.Relative), content);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Every state of a dataset as its JSON, page by page.</summary>
    internal static Task<SortedDictionary<string, string>> AllAsync(
        this SiloProcess silo, string dataset, string? prefix = null, int pageSize = 1_000) =>
        silo.Client.AllAsync(dataset, prefix, pageSize);

    /// <inheritdoc cref="AllAsync(SiloProcess, string, string?, int)"/>
    internal static async Task<SortedDictionary<string, string>> AllAsync(
        this ActorStreamsClient client, string dataset, string? prefix = null, int pageSize = 1_000)
    {
        var states = new SortedDictionary<string, string>(KeyOrder.Instance);
        await foreach (var item in client.ListAsync<JsonElement>(dataset, prefix, pageSize))
        {
            Assert.True(
                states.Count == 0 || KeyOrder.Instance.Compare(states.Keys.Last(), item.Key) < 0, $"'{item.Key}' comes out of order.");
            states.Add(item.Key, item.State.GetRawText());
        }

        return states;
    }

    /// <summary>Waits until all that the topic has now is folded into every partition of every dataset behind it.</summary>
    internal static Task CaughtUpAsync(this SiloProcess silo, string topic) => silo.Client.CaughtUpAsync(topic);

    /// <inheritdoc cref="CaughtUpAsync(SiloProcess, string)"/>
    internal static async Task CaughtUpAsync(this ActorStreamsClient client, string topic)
    {
        using var limit = new CancellationTokenSource(Patience);
        var ends = (await client.TopicsAsync()).Single(t => t.Topic == topic).Partitions.Where(p => p.End > 0).ToList();
        var lineage = await client.LineageAsync();
        foreach (var dataset in (await client.DatasetsAsync()).Where(dataset => IsBehind(lineage, topic, dataset.Name)))
        {
            foreach (var key in KeyOfEach(dataset.Partitions))
            {
                foreach (var end in ends)
                {
                    while (!await ReachedAsync(client, dataset, key, new(topic, end.Partition, end.End - 1)))
                        limit.Token.ThrowIfCancellationRequested();
                }
            }
        }
    }

    /// <summary>The events of a watch as the server sends them, until they end.</summary>
    internal static async IAsyncEnumerable<SseItem<string>> EventsAsync(
        this SiloProcess silo, string path, string? lastEventId = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, silo.Raw(path));
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        using var response = await silo.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(stop)).EnumerateAsync(stop))
            yield return item;
    }

    private static bool IsBehind(LineageInfo lineage, string topic, string dataset) =>
        lineage.Edges.Any(edge => edge.To == dataset
            && (edge.From.Kind == LineageNodeKind.Topic ? edge.From.Name == topic : IsBehind(lineage, topic, edge.From.Name)));

    private static IEnumerable<string> KeyOfEach(int partitions) => Enumerable.Range(0, partitions).Select(partition =>
        Enumerable.Range(0, int.MaxValue).Select(i => $"k{i}").First(key => Partitioner.PartitionOf(key, partitions) == partition));

    private static async Task<bool> ReachedAsync(ActorStreamsClient client, DatasetInfo dataset, string key, Position position)
    {
        try
        {
            await client.GetAsync<JsonElement>(dataset.Name, key, new() { AtLeast = position, TimeoutSeconds = 30 });
            return true;
        }
        catch (ActorStreamsException error) when (error.Status == HttpStatusCode.GatewayTimeout)
        {
            return false;
        }
    }
}
