namespace ActorStreams.Testing;

/// <summary>
/// A definition that breaks one of the laws of <see cref="Laws"/>. The message has the inputs, both results, and a remedy.
/// </summary>
public sealed class LawViolationException : TestKitException
{
    internal LawViolationException(Law law, string definition, int seed, string details)
        : base(
            $"{definition} breaks the law \"{law.Name}\" (seed {seed}; new LawOptions {{ Seed = {seed}, "
            + $"Runs = 1 }} shows it again).\n{details}\n{law.Remedy}") =>
        (Law, Seed) = (law.Name, seed);

    /// <summary>The law, in words.</summary>
    public string Law { get; }

    /// <summary>The seed that reproduces it.</summary>
    public int Seed { get; }
}
