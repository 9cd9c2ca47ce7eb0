namespace ActorStreams.Hosting.Health;

/// <summary>
/// Ends requests that would outlive the silo. A watch ends when the stop begins, so that its reader resumes elsewhere; waits for
/// positions and half-sent bodies end when the drain is over.
/// </summary>
internal sealed class StopSignal : IDisposable
{
    internal const string Detail = "The silo stops. Send the request again: another silo answers it.";

    private readonly CancellationTokenSource _ending = new();

    /// <summary>Cancelled once the drain is over.</summary>
    internal CancellationToken Ending => _ending.Token;

    public void Dispose() => _ending.Dispose();

    internal Task EndAsync() => _ending.CancelAsync();
}
