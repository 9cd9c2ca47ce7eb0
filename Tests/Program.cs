using ActorStreams.Tests;
using ActorStreams.Tests.DeadLetters;
using ActorStreams.Tests.Evolution;
using ActorStreams.Tests.Log;
using ActorStreams.Tests.Storage.Sqlite;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// What xunit generates, and commands before it: processes that a test can kill.
if (args is [KilledAppender.Command, var directory])
    return await KilledAppender.RunAsync(directory);
if (args is [PoisonSilo.Command, .. var rest])
    return await PoisonSilo.RunAsync(rest);
if (args is [EvolvingSilo.Command, .. var evolving])
    return await EvolvingSilo.RunAsync(evolving);
return args.Any(arg => arg is "-automated" or "@@")
    ? await ConsoleRunner.Run(args)
    : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
