using System.Text.Json.Serialization;
using ActorStreams.Definitions;

namespace ActorStreams.Samples.Shop;

/// <summary>What happens to an order: the values of topic <c>shop.orders</c>, whose key is the order's number.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Placed), "placed")]
[JsonDerivedType(typeof(Moved), "moved")]
[JsonDerivedType(typeof(Cancelled), "cancelled")]
public abstract record OrderEvent;

/// <summary>A customer placed it.</summary>
public sealed record Placed(string Customer, decimal Total) : OrderEvent;

/// <summary>It is another customer's now.</summary>
public sealed record Moved(string To) : OrderEvent;

/// <summary>It is no more.</summary>
public sealed record Cancelled : OrderEvent;

/// <summary>A data entity: folded from the records of its topic.</summary>
public sealed record Order(string Customer, decimal Total) : IEntity<Order, OrderEvent>
{
    /// <inheritdoc/>
    public static Order? Apply(Order? state, in Record<OrderEvent> record) => (state, record.Value) switch
    {
        (_, Placed placed) => new(placed.Customer, placed.Total),
        ({ } order, Moved moved) => order with { Customer = moved.To },
        (_, Cancelled) => null,
        _ => state,
    };
}

/// <summary>A derived view: what each customer spends. The order says whom it concerns, so a move needs no code here.</summary>
public sealed record Spend(int Orders, decimal Total) : IView<Spend, Order>
{
    /// <inheritdoc/>
    public static IEnumerable<string> KeysOf(string key, Order source) => [source.Customer];

    /// <inheritdoc/>
    public static Spend? Apply(Spend? state, in Change<Order> change)
    {
        var orders = (state?.Orders ?? 0) + change.Count;
        return orders == 0 ? null : new(orders, (state?.Total ?? 0) + change.Sum(order => order.Total));
    }
}

/// <summary>Both of them.</summary>
public sealed class ShopDefinitions : IDefinitions
{
    /// <inheritdoc/>
    public static void AddTo(TopologyBuilder topology) => topology
        .AddEntity<Order>(order => order.FromTopic("shop.orders"))
        .AddView<Spend>();
}
