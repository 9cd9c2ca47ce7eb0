using System.Buffers;
using System.Text.Json;
using System.Text;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Settings;
using Orleans.Runtime;

namespace ActorStreams.Hosting.Api;

/// <summary>
/// Writes a watch as server-sent events: <c>state</c>, then <c>change</c> after <c>change</c>, each with the id to resume from; comments
/// as heartbeats; <c>error</c> when it cannot continue.
/// </summary>
internal static class WatchStream
{
    /// <summary>
    /// The response begins with the first event, or after this time. What is refused before is answered with its own status.
    /// </summary>
    private static readonly TimeSpan FirstHeartbeat = TimeSpan.FromMilliseconds(200);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal static async Task WriteAsync(
        HttpContext http, string dataset, IAsyncEnumerable<WatchReply> watch, HostingOptions options, TimeProvider time)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache,no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await PumpAsync(http, dataset, watch, TimeSpan.FromSeconds(options.WatchHeartbeatSeconds), time);
        }
        catch (OperationCanceledException)
        {
            // The client has disconnected, or the silo stops: the stream ends, and the client resumes it from its last id.
        }
        catch (Exception error) when (error is WatchBrokenException or EnumerationAbortedException)
        {
            // Likewise.
        }
        catch (Exception error) when (TransientFaults.IsTransient(error))
        {
            // The fault is transient, and an error event would be final. So the stream ends, the client resumes it, and a comment names
            // the reason.
            await http.Response.WriteAsync($": {error.Message.ReplaceLineEndings(" ")}\n\n", CancellationToken.None);
        }
        catch (WatchPositionException error)
        {
            await WriteErrorAsync(http.Response, 400, "The watch cannot be resumed", error.Message);
        }
        catch (RequestRefusedException error) when (http.Response.HasStarted)
        {
            await WriteErrorAsync(http.Response, error.Status, error.Title, error.Message);
        }
    }

    private static async Task PumpAsync(
        HttpContext http, string dataset, IAsyncEnumerable<WatchReply> watch, TimeSpan heartbeat, TimeProvider time)
    {
        var stopping = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var replies = watch.GetAsyncEnumerator(end.Token);
        Task<bool>? next = null;
        var pause = FirstHeartbeat;
        try
        {
            while (true)
            {
                next ??= replies.MoveNextAsync().AsTask();
                using var quiet = new CancellationTokenSource();
                if (!next.IsCompleted && await Task.WhenAny(next, Task.Delay(pause, time, quiet.Token)) != next)
                {
                    pause = heartbeat;
                    await http.Response.WriteAsync(":\n\n", end.Token);
                    continue;
                }

                await quiet.CancelAsync();
                if (!await next)
                    return;
                next = null;
                await WriteReplyAsync(http.Response, dataset, replies.Current);
            }
        }
        finally
        {
            await end.CancelAsync();
            await (next ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await replies.DisposeAsync();
        }
    }

    private static Task WriteReplyAsync(HttpResponse response, string dataset, WatchReply reply) => reply.State is { } state
        ? WriteEventAsync(response, "state", state.ToChangePosition().ToString(), Answers.Of(dataset, state))
        : WriteEventAsync(response, "change", reply.Change!.ToChangePosition().ToString(), Answers.Of(reply.Change));

    private static Task WriteErrorAsync(HttpResponse response, int status, string title, string detail) =>
        WriteEventAsync(response, "error", null, new { status, title, detail });

    private static async Task WriteEventAsync<T>(HttpResponse response, string name, string? id, T data)
    {
        response.BodyWriter.Write(Encoding.UTF8.GetBytes($"event: {name}\n{(id is null ? "" : $"id: {id}\n")}data: "));
        await using (var json = new Utf8JsonWriter(response.BodyWriter, new() { Encoder = Json.Encoder }))
            JsonSerializer.Serialize(json, data, Json);
        response.BodyWriter.Write("\n\n"u8);
        await response.BodyWriter.FlushAsync();
    }
}
