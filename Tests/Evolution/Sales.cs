using System.Text.Json.Serialization;
using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Tests.Evolution;

/// <summary>What happens to a sale.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Sold), "sold")]
[JsonDerivedType(typeof(Corrected), "corrected")]
internal abstract record SaleEvent;

internal sealed record Sold(string Customer, string Region, int Amount) : SaleEvent;

/// <summary>Adds to the amount, so that a record that is left out or folded twice is seen.</summary>
internal sealed record Corrected(int By) : SaleEvent;

internal sealed record Renamed(string Name);

/// <summary>What a fold multiplies by: a changed definition is another factor.</summary>
internal interface IFactor
{
    static abstract int Value { get; }
}

internal sealed class Once : IFactor
{
    public static int Value => 1;
}

internal sealed class Thrice : IFactor
{
    public static int Value => 3;
}

/// <summary>A state with a number of sales and what they come to.</summary>
internal interface ITotal
{
    int Count { get; }

    long Total { get; }
}

/// <summary>A sale, of whatever shape.</summary>
internal interface ISale : ITotal
{
    string Customer { get; }

    string Region { get; }

    int Records { get; }

    int ITotal.Count => 1;
}

/// <summary>The state of dataset <c>sale</c>.</summary>
internal sealed record Sale<TFactor>(string Customer, string Region, long Amount, int Records) : IEntity<Sale<TFactor>, SaleEvent>, ISale
    where TFactor : IFactor
{
    long ITotal.Total => Amount;

    public static Sale<TFactor>? Apply(Sale<TFactor>? state, in Record<SaleEvent> record) => (state, record.Value) switch
    {
        (_, Sold sold) => new(sold.Customer, sold.Region, sold.Amount * TFactor.Value, (state?.Records ?? 0) + 1),
        ({ } sale, Corrected corrected) =>
            sale with { Amount = sale.Amount + (corrected.By * TFactor.Value), Records = sale.Records + 1 },
        _ => state,
    };
}

/// <summary>The state of the same dataset with a member added.</summary>
internal sealed record PricedSale<TFactor>(string Customer, string Region, long Amount, int Records, string Currency)
    : IEntity<PricedSale<TFactor>, SaleEvent>, ISale
    where TFactor : IFactor
{
    long ITotal.Total => Amount;

    public static PricedSale<TFactor>? Apply(PricedSale<TFactor>? state, in Record<SaleEvent> record) => (state, record.Value) switch
    {
        (_, Sold sold) => new(sold.Customer, sold.Region, sold.Amount * TFactor.Value, (state?.Records ?? 0) + 1, "EUR"),
        ({ } sale, Corrected corrected) =>
            sale with { Amount = sale.Amount + (corrected.By * TFactor.Value), Records = sale.Records + 1 },
        _ => state,
    };
}

/// <summary>A second entity: who customers are.</summary>
internal sealed record Customer(string Name, int Records) : IEntity<Customer, Renamed>
{
    public static Customer? Apply(Customer? state, in Record<Renamed> record) => new(record.Value.Name, (state?.Records ?? 0) + 1);
}

/// <summary>What each customer spends.</summary>
internal sealed record Spend<TSale, TFactor>(int Count, long Total, long Records) : IView<Spend<TSale, TFactor>, TSale>, ITotal
    where TSale : class, ISale
    where TFactor : IFactor
{
    public static IEnumerable<string> KeysOf(string key, TSale source) => [source.Customer];

    public static Spend<TSale, TFactor>? Apply(Spend<TSale, TFactor>? state, in Change<TSale> change)
    {
        var next = new Spend<TSale, TFactor>(
            (state?.Count ?? 0) + change.Count, (state?.Total ?? 0) + (change.Sum(sale => sale.Total) * TFactor.Value),
            (state?.Records ?? 0) + change.Sum(sale => (long)sale.Records));
        return next.Count == 0 ? null : next;
    }
}

/// <summary>How many customers spend about as much: a view of a view.</summary>
internal sealed record Tier<TSource>(int Customers, long Total) : IView<Tier<TSource>, TSource>
    where TSource : class, ITotal
{
    private const long Width = 250;

    public static IEnumerable<string> KeysOf(string key, TSource source) => [$"{source.Total / Width}"];

    public static Tier<TSource>? Apply(Tier<TSource>? state, in Change<TSource> change)
    {
        var next = new Tier<TSource>((state?.Customers ?? 0) + change.Count, (state?.Total ?? 0) + change.Sum(source => source.Total));
        return next.Customers == 0 ? null : next;
    }
}

/// <summary>The largest sales of each region, and how many customers it has.</summary>
internal sealed record Board<TSale>(IReadOnlyList<Ranked<long>> Largest, long Customers) : IReducingView<Board<TSale>, TSale>
    where TSale : class, ISale
{
    private const int Places = 3;
    private static readonly Ranking<TSale, long> Top = Reduce.Top(Places, (TSale sale) => sale.Total);
    private static readonly DistinctCount<TSale, string> Different = Reduce.Distinct((TSale sale) => sale.Customer);

    public static IReadOnlyList<Reduction<TSale>> Reductions => [Top, Different];

    public static IEnumerable<string> KeysOf(string key, TSale source) => [source.Region, "all"];

    public static Board<TSale>? Apply(Board<TSale>? state, in Change<TSale> change, in Reduced<TSale> reduced) =>
        reduced.Count(Different) is var customers and > 0 ? new(reduced.All(Top), customers) : null;
}

/// <summary>The sum of everything; its source may be the sales, or what customers spend.</summary>
internal sealed record Summary<TSource>(int Count, long Total) : IView<Summary<TSource>, TSource>
    where TSource : class, ITotal
{
    public static IEnumerable<string> KeysOf(string key, TSource source) => ["all"];

    public static Summary<TSource>? Apply(Summary<TSource>? state, in Change<TSource> change)
    {
        var next = new Summary<TSource>(
            (state?.Count ?? 0) + change.Sum(source => source.Count), (state?.Total ?? 0) + change.Sum(source => source.Total));
        return next.Count == 0 ? null : next;
    }
}

/// <summary>A customer beside what it spends: a join, of which one source has a reduction.</summary>
internal sealed record Profile<TSale, TFactor>(string? Name, int Known, int Count, long Total)
    : IView<Profile<TSale, TFactor>, TSale>, IReducingView<Profile<TSale, TFactor>, Customer>
    where TSale : class, ISale
    where TFactor : IFactor
{
    private static readonly Ranking<Customer, string> First = Reduce.Min((Customer customer) => customer.Name);

    public static IReadOnlyList<ViewSource<Profile<TSale, TFactor>>> Sources =>
        [ViewSource.Of<Profile<TSale, TFactor>, TSale>(), ViewSource.Reducing<Profile<TSale, TFactor>, Customer>()];

    public static IReadOnlyList<Reduction<Customer>> Reductions => [First];

    public static IEnumerable<string> KeysOf(string key, TSale source) => [source.Customer];

    public static IEnumerable<string> KeysOf(string key, Customer source) => [key];

    public static Profile<TSale, TFactor>? Apply(Profile<TSale, TFactor>? state, in Change<TSale> change) => OrNull(new(
        state?.Name, state?.Known ?? 0, (state?.Count ?? 0) + change.Count,
        (state?.Total ?? 0) + (change.Sum(sale => sale.Total) * TFactor.Value)));

    public static Profile<TSale, TFactor>? Apply(
        Profile<TSale, TFactor>? state, in Change<Customer> change, in Reduced<Customer> reduced) => OrNull(new(
        reduced.First(First)?.Value, (state?.Known ?? 0) + change.Count, state?.Count ?? 0, state?.Total ?? 0));

    private static Profile<TSale, TFactor>? OrNull(Profile<TSale, TFactor> next) => next.Known == 0 && next.Count == 0 ? null : next;
}
