namespace ActorStreams.Protocol;

/// <summary>A silo of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">The address at which other silos reach it.</param>
/// <param name="Status">active, joining, shuttingdown or stopping.</param>
/// <param name="Partitions">How many partitions it owns.</param>
/// <param name="States">How many states those have.</param>
/// <param name="BehindRecords">Records they have still to fold.</param>
/// <param name="IsThis">Whether it is the silo that answered.</param>
public sealed record SiloInfo(string Name, string Address, string Status, int Partitions, long States, long BehindRecords, bool IsThis);
