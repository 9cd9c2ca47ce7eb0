using ActorStreams.Client;

namespace ActorStreams.Cli.Terminal;

/// <summary>What the process answers to the shell that started it.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int NoSuchKey = 3;
}
