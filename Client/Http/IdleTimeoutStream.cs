using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Http;

/// <summary>
/// Fails a read that yields nothing for too long. Heartbeats are comments that an event parser swallows, so a dead connection can
/// only be told from a quiet one down here, where the bytes are.
/// </summary>
internal sealed class IdleTimeoutStream(Stream inner, TimeSpan timeout, TimeProvider time) : ReadingStream(inner)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var idle = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        try
        {
            return await Inner.ReadAsync(buffer, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The connection gave no sign of life for {timeout.TotalSeconds:N0} seconds.");
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read this stream asynchronously.");
}
