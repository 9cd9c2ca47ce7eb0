using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace ActorStreams.Client.Loading.Git;

/// <summary>Splits a stream into the texts that end with a zero byte, with one of them in memory at a time.</summary>
internal sealed class ZeroEndedTexts(Stream stream)
{
    private readonly PipeReader _reader = PipeReader.Create(stream, new(bufferSize: 1 << 16));

    /// <summary>The next text; null at the end of the stream.</summary>
    public async ValueTask<string?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (read.Buffer.PositionOf((byte)0) is { } zero)
            {
                var text = Encoding.UTF8.GetString(read.Buffer.Slice(0, zero));
                _reader.AdvanceTo(read.Buffer.GetPosition(1, zero));
                return text;
            }

            if (read.IsCompleted)
            {
                _reader.AdvanceTo(read.Buffer.End);
                return null; // what is not ended was cut off; git's exit code tells why
            }

            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
