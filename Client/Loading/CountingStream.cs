using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Loading;

/// <summary>Counts the bytes read, also of a compressed file, so that progress has a known total.</summary>
internal sealed class CountingStream(Stream inner) : ReadingStream(inner)
{
    private long _bytesRead;

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public override int Read(byte[] buffer, int offset, int count) => Counted(Inner.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Counted(await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    private int Counted(int bytes)
    {
        Interlocked.Add(ref _bytesRead, bytes);
        return bytes;
    }
}
