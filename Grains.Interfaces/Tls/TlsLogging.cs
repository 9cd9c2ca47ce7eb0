using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Tls;

/// <summary>What TLS logs for operators: never the contents of a file.</summary>
internal static partial class TlsLogging
{
    internal static void FilesChanged(this ILogger logger, string of, string? fault)
    {
        if (fault is null)
            logger.FilesTaken(of);
        else
            logger.FilesRefused(of, fault);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The certificates or keys of {Of} have changed, and are used from now on.")]
    private static partial void FilesTaken(this ILogger logger, string of);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The certificates or keys of {Of} have changed, but cannot be used; those before stay in use. {Fault}")]
    private static partial void FilesRefused(this ILogger logger, string of, string fault);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A connection {Direction} {Peer} is refused: {Reason} ({Others} others since this was last told)")]
    internal static partial void PeerRefused(this ILogger logger, string direction, string? peer, string reason, int others);
}
