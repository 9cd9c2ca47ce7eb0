namespace ActorStreams.Grains.Actors;

/// <summary>
/// How many actors of this silo were activated for keys that have no state. Inventing a key costs nothing, so beyond a bound these actors
/// end with the call: a client that guesses keys does not fill the memory. Below it they stay as others do, since reading a key again and
/// again until it has a state is common.
/// </summary>
internal sealed class EmptyActors
{
    /// <summary>Actors without a state that may stay.</summary>
    internal const int Max = 10_000;

    private int _count;

    internal int Count => Volatile.Read(ref _count);

    internal bool IsTooMany => Count > Max;

    internal void Add(int more) => Interlocked.Add(ref _count, more);
}
