using System.IO.Pipelines;
using ActorStreams.Hosting.Health;

namespace ActorStreams.Hosting.Api;

/// <summary>
/// Waits for more of a request body. A slow body is read for as long as something of it comes. A body that falls silent is answered
/// with 408, and one that is half sent when the silo stops with 503.
/// </summary>
/// <param name="idle">The longest silence.</param>
/// <param name="stop">Says when the silo stops.</param>
/// <param name="time">The clock.</param>
internal sealed class BodyWait(TimeSpan idle, StopSignal stop, TimeProvider time)
{
    /// <summary>The next part of the body.</summary>
    /// <exception cref="BadHttpRequestException">Nothing came for too long, or the silo stops.</exception>
    internal async ValueTask<ReadResult> ReadAsync(PipeReader body, CancellationToken cancellationToken)
    {
        if (body.TryRead(out var there))
            return there;
        using var silence = new CancellationTokenSource(idle, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token, stop.Ending);
        try
        {
            return await body.ReadAsync(end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw stop.Ending.IsCancellationRequested
                ? new BadHttpRequestException(StopSignal.Detail, StatusCodes.Status503ServiceUnavailable)
                : new BadHttpRequestException(
                    $"Nothing of the body came for {idle.TotalSeconds:0.###} s (Security:Limits:BodyIdleSeconds). "
                    + "Lines that were not answered are not appended.",
                    StatusCodes.Status408RequestTimeout);
        }
    }
}
