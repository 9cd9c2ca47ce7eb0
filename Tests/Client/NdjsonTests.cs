using System.IO.Compression;
using System.Text;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading;

namespace ActorStreams.Tests.Client;

public sealed class NdjsonTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_line_is_a_whole_record_when_no_key_is_named()
    {
        var records = await ReadAsync(
            new(), """{"key":"a","value":{"x":1},"timestamp":1500,"headers":{"h":"1"}}""", "", """{"key":"b","value":null}""");

        Assert.Equal(["a", "b"], records.Select(r => r.Key));
        Assert.Equal("""{"x":1}""", records[0].Value!.ToString());
        Assert.Equal("1", records[0].Headers!["h"]);
        Assert.Null(records[1].Value);
    }

    [Theory]
    [InlineData("1418999570", 1_418_999_570_000)]
    [InlineData("1418999570.25", 1_418_999_570_250)]
    [InlineData("1418999570123", 1_418_999_570_123)]
    [InlineData("\"2014-12-19T14:32:50Z\"", 1_418_999_570_000)]
    public async Task A_named_field_is_the_time_in_seconds_milliseconds_or_text(string time, long milliseconds)
    {
        var line = $$"""{"path":"a/b","time":{{time}}}""";
        var record = Assert.Single(await ReadAsync(new() { KeyField = "path", TimeField = "time" }, line));

        Assert.Equal(("a/b", milliseconds, line), (record.Key, record.Timestamp!.Value.ToUnixTimeMilliseconds(), record.Value!.ToString()));
    }

    [Theory]
    [InlineData("{", "Line 2 of '-' is no record:")]
    [InlineData("[1]", "Line 2 of '-' is no record: it is JSON array, but an object is needed.")]
    [InlineData("{\"value\":1}", "Line 2 of '-' is no record: it has no field 'key' for the key.")]
    [InlineData(
        "{\"key\":true,\"value\":1}", "Line 2 of '-' is no record: the key's field 'key' is JSON boolean, but text or a number is needed.")]
    public async Task A_bad_line_is_named_with_what_is_wrong(string line, string message)
    {
        var error = await Assert.ThrowsAsync<LoadSourceException>(() => ReadAsync(new(), """{"key":1,"value":1}""", line));
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public async Task A_compressed_file_is_read_with_its_progress()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.ndjson.gz");
        await using (var stream = new GZipStream(File.Create(file), CompressionLevel.Fastest))
            await stream.WriteAsync("{\"key\":\"a\",\"value\":1}\n"u8.ToArray(), Token);
        try
        {
            var source = new NdjsonSource(file);
            await source.OpenAsync(Token);
            Assert.Single(await source.ReadAsync(Token).ToListAsync(Token));
            Assert.Equal((new FileInfo(file).Length, source.Total), (source.Done, source.Total!.Value));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<List<AppendRecord>> ReadAsync(NdjsonMapping mapping, params string[] lines)
    {
        var source = new NdjsonSource("-", mapping, new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
        await source.OpenAsync(Token);
        return await source.ReadAsync(Token).ToListAsync(Token);
    }
}
