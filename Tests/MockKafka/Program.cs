using ActorStreams.Tests.Kafka;

return await MockKafkaProgram.RunAsync(args);
