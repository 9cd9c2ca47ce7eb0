using System.Text.Json;

namespace ActorStreams.Testing;

/// <summary>How hard <see cref="Laws"/> looks; everything has a default.</summary>
public sealed record LawOptions
{
    /// <summary>Random histories to try, at least 1.</summary>
    public int Runs { get; init; } = 100;

    /// <summary>The seed of the first history, the next ones count up; by default another one every time.</summary>
    public int? Seed { get; init; }

    /// <summary>Source keys (of an entity: keys) that a history is about, at least 1.</summary>
    public int Keys { get; init; } = 4;

    /// <summary>The most steps a history has, at least 1.</summary>
    public int MaxSteps { get; init; } = 24;

    /// <summary>How states are stored; as <see cref="Definitions.TopologyBuilder.Json"/> has it by default.</summary>
    public JsonSerializerOptions? Json { get; init; }

    internal LawOptions Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Runs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Keys, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSteps, 1);
        return this;
    }
}
