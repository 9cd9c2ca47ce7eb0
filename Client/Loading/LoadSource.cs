using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Loading;

/// <summary>Something that records are loaded from, in an order that is the same each time it is read.</summary>
public abstract class LoadSource
{
    /// <summary>What <see cref="Total"/> and <see cref="Done"/> count, e.g. bytes.</summary>
    public abstract string Unit { get; }

    /// <summary>How much there is; null when it is not known.</summary>
    public long? Total { get; protected set; }

    /// <summary>How much was read; any thread may read it while the source is read.</summary>
    public abstract long Done { get; }

    /// <summary>What the user should know about the source, as a sentence; null when there is nothing.</summary>
    public string? Note { get; protected set; }

    /// <summary>Finds out <see cref="Total"/>, and what is wrong with the source if it cannot be read.</summary>
    /// <exception cref="LoadSourceException">It cannot be read, or a part of it is not what it should be.</exception>
    public abstract Task OpenAsync(CancellationToken cancellationToken = default);

    /// <summary>The records, each once. Call <see cref="OpenAsync"/> before.</summary>
    /// <exception cref="LoadSourceException">A part of it is not what it should be.</exception>
    public abstract IAsyncEnumerable<AppendRecord> ReadAsync(CancellationToken cancellationToken = default);
}

/// <summary>What was to be loaded cannot be read. The message says where it is wrong.</summary>
public sealed class LoadSourceException(
    string message, Exception? innerException = null) : ActorStreamsException(message, innerException: innerException);
