using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Loading;

/// <summary>Reads records from a file of JSON lines, also compressed with gzip (<c>.gz</c>) or from standard input (<c>-</c>).</summary>
/// <param name="file">The file's path, or <c>-</c>.</param>
/// <param name="mapping">How a line becomes a record.</param>
/// <param name="standardInput">What <c>-</c> reads; null is the process's own.</param>
public sealed class NdjsonSource(string file, NdjsonMapping? mapping = null, Stream? standardInput = null) : LoadSource
{
    private const int BufferBytes = 1 << 16;

    private readonly NdjsonMapping _mapping = mapping ?? new();
    private Func<long> _done = () => 0;

    /// <inheritdoc/>
    public override string Unit => "bytes";

    /// <inheritdoc/>
    public override long Done => _done();

    /// <inheritdoc/>
    public override Task OpenAsync(CancellationToken cancellationToken = default)
    {
        if (file == "-")
            return Task.CompletedTask;
        using var stream = OpenFile();
        Total = stream.CanSeek ? stream.Length : null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<AppendRecord> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stream = new CountingStream(file == "-" ? standardInput ?? Console.OpenStandardInput() : OpenFile());
        _done = () => stream.BytesRead;
        using var reader = new StreamReader(
            file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(stream, CompressionMode.Decompress) : stream,
            bufferSize: BufferBytes);
        for (var number = 1L; await LineAsync(reader, number, cancellationToken).ConfigureAwait(false) is { } line; number++)
        {
            if (!string.IsNullOrWhiteSpace(line))
                yield return Record(line, number);
        }
    }

    private FileStream OpenFile()
    {
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadSourceException($"'{file}' cannot be read: {e.Message}", e);
        }
    }

    private async ValueTask<string?> LineAsync(StreamReader reader, long number, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new LoadSourceException($"'{file}' cannot be read from line {number:N0} on: {e.Message}", e);
        }
    }

    private AppendRecord Record(string line, long number)
    {
        try
        {
            return _mapping.Record(JsonElement.Parse(line));
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new LoadSourceException($"Line {number:N0} of '{file}' is no record: {e.Message}", e);
        }
    }
}
