using Orleans.Runtime;

namespace ActorStreams.Grains.Placement;

/// <summary>The names of silos, as people see them.</summary>
public static class SiloNames
{
    /// <summary>The name of a silo with its endpoint, which distinguishes two silos of one name.</summary>
    public static string Of(string name, SiloAddress address) => $"{name} ({address.Endpoint})";
}
