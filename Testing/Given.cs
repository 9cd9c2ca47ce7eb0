using ActorStreams.Definitions;

namespace ActorStreams.Testing;

/// <summary>
/// States by example: records in, states out, through the real folds, with no silo.
/// <code>
/// Given.Topology(t =&gt; t.AddEntity&lt;Order&gt;().AddView&lt;Spend&gt;())
///     .Records&lt;Order, OrderEvent&gt;(("o1", new Placed("ann", 10)), ("o2", new Placed("bob", 5)), ("o2", new Moved("ann")))
///     .Then("ann", new Spend(2, 15))
///     .ThenNothing&lt;Spend&gt;("bob");
/// </code>
/// </summary>
public static class Given
{
    /// <summary>The definitions that are folded.</summary>
    /// <exception cref="TopologyException">They do not fit together.</exception>
    public static GivenLog Topology(Action<TopologyBuilder> add)
    {
        var topology = new TopologyBuilder();
        add(topology);
        return new(topology.Build());
    }
}

/// <summary>
/// One entity by example:
/// <code>Given&lt;Order, OrderEvent&gt;.Records(("o1", new Placed("ann", 10)), ("o1", new Moved("bob"))).Then("o1", new Order("bob",
/// 10));</code> For views see <see cref="Given"/>.
/// </summary>
public static class Given<TEntity, TEvent>
    where TEntity : class, IEntity<TEntity, TEvent>
    where TEvent : notnull
{
    /// <inheritdoc cref="GivenLog.Records{TEntity, TEvent}"/>
    public static GivenLog Records(params (string Key, TEvent Event)[] records) =>
        Given.Topology(topology => topology.AddEntity<TEntity>()).Records<TEntity, TEvent>(records);
}
