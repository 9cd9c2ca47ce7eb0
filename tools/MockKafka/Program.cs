using ActorStreams.MockKafka;

return await MockProgram.RunAsync(args);
