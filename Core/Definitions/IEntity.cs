namespace ActorStreams.Definitions;

/// <summary>A data entity: implement <see cref="IEntity{TSelf, TEvent}"/>.</summary>
public interface IEntity<TSelf>
    where TSelf : class, IEntity<TSelf>
{
    /// <summary>How records become states. Given by <see cref="IEntity{TSelf, TEvent}"/>; not for implementing.</summary>
    static abstract EntityFold<TSelf> Fold { get; }
}

/// <summary>
/// A data entity: the state of one key, folded from the records of its topic. The state is an immutable record, and is its own fold.
/// </summary>
/// <typeparam name="TSelf">The state itself; it rests in the store as JSON.</typeparam>
/// <typeparam name="TEvent">What a record's value decodes to.</typeparam>
public interface IEntity<TSelf, TEvent> : IEntity<TSelf>
    where TSelf : class, IEntity<TSelf, TEvent>
{
    /// <summary>
    /// The state after a record. Must be pure: no clock, randomness, I/O or logging. An exception sends the record to the dead letters
    /// and leaves the state as it was.
    /// </summary>
    /// <param name="state">The state before; null when the entity does not exist.</param>
    /// <param name="record">The record; never a tombstone, which ends the entity by itself.</param>
    /// <returns>The new state; null when the entity does not exist any more; <paramref name="state"/> when nothing changes.</returns>
    static abstract TSelf? Apply(TSelf? state, in Record<TEvent> record);

    static EntityFold<TSelf> IEntity<TSelf>.Fold => new EntityFold<TSelf, TEvent>();
}
