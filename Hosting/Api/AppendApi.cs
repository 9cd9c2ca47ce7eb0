using System.Buffers;
using System.Text.Json;
using ActorStreams.Grains.Appends;
using ActorStreams.Grains;
using ActorStreams.Hosting.Health;
using ActorStreams.Hosting.Security;
using ActorStreams.Hosting.Settings;
using ActorStreams.Log;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Api;

/// <summary>
/// Appends: JSON lines in, a position a line out, in the same order, while the body is still coming. A short body is checked as a whole
/// before anything of it is appended; in a longer one bad lines are answered in their place, and the others are appended.
/// </summary>
internal static class AppendApi
{
    internal static void MapAppends(this IEndpointRouteBuilder api) =>
        api.MapPost("/topics/{topic}/records", AppendAsync)
            .WithTags("log").WithSummary("Append records")
            .WithDescription(
                "JSON lines { key, value, timestamp?, headers? }; value null is a tombstone. Answers the position of each. "
                + "Up to 1,000 lines and 1 MiB are checked first: with a bad line nothing is appended. "
                + "A longer body streams, and a bad line is answered by { line, error }. As application/json a record is one line too. "
                + "With Idempotency-Key the same body is appended once, however often it is sent within Silo:IdempotencyKeyHours: it is "
                + "answered with the same positions and Idempotent-Replayed: true, with 409 while an earlier request may be under way, and "
                + "with 422 if the key was sent for something else.")
            .Accepts<AppendExample>("application/x-ndjson", "application/json").Produces<AppendAnswer>(200, "application/x-ndjson")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(413).ProducesProblem(422).ProducesProblem(503);

    private static async Task<IResult> AppendAsync(
        string topic, HttpContext http, [FromHeader(Name = IdempotencyKeys.Header)] string? idempotencyKey,
        [FromServices] RecordAppends appends, [FromServices] IOptions<SecurityOptions> security,
        [FromServices] StopSignal stop, [FromServices] TimeProvider time)
    {
        if (string.IsNullOrEmpty(http.Request.ContentType))
        {
            return Problems.Of(
                415, "No content type",
                "An append has the content type application/x-ndjson, or application/json for a single record. Send it as Content-Type.");
        }

        string? key = null;
        if (idempotencyKey is not null && IdempotencyKeys.Read(idempotencyKey, out key) is { } fault)
            return Problems.Of(400, "Bad idempotency key", fault);
        var description = await appends.TopicAsync(topic, http.RequestAborted);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = security.Value.Limits.MaxAppendBytes;
        // The body's own wait follows: it bounds silence, not speed.
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        var wait = new BodyWait(TimeSpan.FromSeconds(security.Value.Limits.BodyIdleSeconds), stop, time);
        var append = new Appending(http, appends, description, wait, key);
        return await append.RunAsync(appends.MaxLineBytes);
    }

    /// <summary>One request.</summary>
    private sealed class Appending(HttpContext http, RecordAppends appends, AppendTopic topic, BodyWait wait, string? key)
    {
        private IReadOnlyList<Position> _positions = [];
        private int _line;

        internal async Task<IResult> RunAsync(int maxLineBytes)
        {
            await foreach (var (lines, last) in AppendBody.GroupsAsync(http.Request.BodyReader, maxLineBytes, wait, http.RequestAborted))
            {
                if (lines.Count == 0 && http.Response.HasStarted)
                    break;
                if (key is not null && !last)
                    return TooLong();
                var answers = Parse(lines, out var records);
                if (last && !http.Response.HasStarted && answers.Exists(answer => answer is not null))
                {
                    return Problems.Of(
                        400, "Bad records",
                        $"{answers.Count(answer => answer is not null)} of {answers.Count} lines cannot be appended, so none was. "
                        + $"The first: {answers.Find(answer => answer is not null)}",
                        new() { ["errors"] = answers.Select((error, i) => new LineError(_line - answers.Count + i + 1, error!))
                            .Where(error => error.Error is not null) });
                }

                if (await AppendAsync(records, lines) is { } failure)
                {
                    if (!http.Response.HasStarted)
                        return failure.Result;
                    await WriteAsync(new LineError(_line - answers.Count + 1, failure.Detail));
                    return Results.Empty;
                }

                await AnswerAsync(answers);
            }

            return Results.Empty;
        }

        /// <summary>What is not checked as a whole cannot be repeated as a whole.</summary>
        private static IResult TooLong() => Problems.Of(
            413, "Too much for one idempotency key",
            $"With an idempotency key a body has at most {AppendBody.MaxLines:N0} lines and {AppendBody.MaxBytes:N0} bytes, unless it is "
            + "one line. Nothing was appended. Send parts, each with a key of its own.");

        private List<string?> Parse(List<byte[]?> lines, out List<NewRecord> records)
        {
            var answers = new List<string?>(lines.Count);
            records = new(lines.Count);
            foreach (var line in lines)
            {
                _line++;
                var record = default(NewRecord);
                var error = line is null ? appends.LineFault : appends.Parse(line, topic, out record);
                answers.Add(error);
                if (error is null)
                    records.Add(record);
            }

            return answers;
        }

        private async Task<(IResult Result, string Detail)?> AppendAsync(List<NewRecord> records, List<byte[]?> lines)
        {
            try
            {
                if (key is null)
                    _positions = await appends.AppendAsync(topic.Name, records, http.RequestAborted);
                else
                    await AppendOnceAsync(key, records, lines);
                return null;
            }
            catch (LogUnavailableException error)
            {
                return (Problems.Of(503, "The change log is unavailable", error.Message), error.Message);
            }
            catch (RequestRefusedException error)
            {
                if (error.RetryAfterSeconds is { } seconds)
                    http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                return (Problems.Of(error.Status, error.Title, error.Message), error.Message);
            }
        }

        private async Task AppendOnceAsync(string sent, List<NewRecord> records, List<byte[]?> lines)
        {
            var caller = Caller.SubjectOf(http.User) ?? "";
            var bytes = lines.Select(line => (ReadOnlyMemory<byte>)line!);
            (_positions, var isReplay) = await appends.AppendOnceAsync(topic.Name, records, caller, sent, bytes);
            if (isReplay)
                http.Response.Headers[IdempotencyKeys.Replayed] = "true";
        }

        private async Task AnswerAsync(List<string?> answers)
        {
            if (!http.Response.HasStarted)
                http.Response.ContentType = "application/x-ndjson";
            var next = 0;
            for (var i = 0; i < answers.Count; i++)
            {
                if (answers[i] is { } error)
                    Write(new LineError(_line - answers.Count + i + 1, error));
                else
                    Write(new AppendAnswer
                    {
                        Topic = _positions[next].Topic, Partition = _positions[next].Partition, Offset = _positions[next++].Offset,
                    });
            }

            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        private async Task WriteAsync(LineError error)
        {
            Write(error);
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        private void Write<T>(T answer)
        {
            using (var json = new Utf8JsonWriter(http.Response.BodyWriter))
                JsonSerializer.Serialize(json, answer, JsonSerializerOptions.Web);
            http.Response.BodyWriter.Write("\n"u8);
        }
    }

    /// <summary>A line, for the API's description.</summary>
    private sealed record AppendExample(string Key, object? Value, DateTimeOffset? Timestamp, Dictionary<string, string>? Headers);
}
