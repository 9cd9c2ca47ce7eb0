using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client;

namespace ActorStreams.Cli.Demo;

/// <summary>The silo a demo starts.</summary>
/// <param name="Root">The folder with ActorStreams.sln.</param>
/// <param name="Urls">The address it listens at.</param>
/// <param name="Data">The folder for its data.</param>
internal sealed record DemoSilo(string Root, string Urls, string Data);
