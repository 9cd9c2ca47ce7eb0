using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Cli.Commands;

/// <summary>Reads positions that users type.</summary>
internal static class Positions
{
    /// <summary>A position in full.</summary>
    /// <exception cref="ActorStreamsException">The text has another form.</exception>
    public static Position Parse(string text) => Position.TryParse(text, null, out var position) ? position
        : throw new ActorStreamsException($"'{text}' is not a position. It has the form topic/partition:offset, as append answers it.");
}
