namespace ActorStreams.Grains.Actors;

/// <summary>
/// How many actors of this silo were activated for keys that have no state. A key costs nothing to make up, so beyond a bound these actors
/// end with the call: who guesses keys does not fill the memory. Below it they stay as others do, since a key that is asked for again and
/// again, until it has a state, is a usual thing.
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
