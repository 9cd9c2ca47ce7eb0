using ActorStreams.Silo;

return await SiloProgram.RunAsync(args);
