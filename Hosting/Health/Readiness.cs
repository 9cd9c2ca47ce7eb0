using ActorStreams.Grains.Reads;

namespace ActorStreams.Hosting.Health;

/// <summary>Whether this silo can answer: it does not stop, and its partitions have been opened once.</summary>
internal sealed class Readiness(SiloReport silo, IHostApplicationLifetime lifetime)
{
    /// <summary>Why it is not ready; null when it is.</summary>
    internal string? Reason => lifetime.ApplicationStopping.IsCancellationRequested ? "The silo is stopping." : silo.NotOpened;

    /// <summary>What is wrong, though no reason to send readers away.</summary>
    internal IReadOnlyList<string> Troubles => silo.Troubles;
}
