using ActorStreams.Definitions;

namespace ActorStreams.Tests.Evolution;

/// <summary>The definitions of one deployment: a function of its number, each of whose bits is one difference.</summary>
internal sealed record Deployment(int Number)
{
    internal const string Sales = "sales";
    internal const string OtherSales = "other-sales";
    internal const string Customers = "customers";
    internal const int Partitions = 3;

    private const int ViewPartitions = 2;

    /// <summary>What one deployment may have different from another.</summary>
    internal enum Difference
    {
        /// <summary>The state of a sale has a member more, under the same version.</summary>
        PricedSale,

        /// <summary>Sales are folded otherwise, under another version.</summary>
        TripledSale,

        /// <summary>Sales are folded from another topic.</summary>
        OtherTopic,

        /// <summary>There is no view <c>spend</c>, nor what is folded from it.</summary>
        WithoutSpend,

        /// <summary>The view is folded otherwise, under another version.</summary>
        TripledSpend,

        /// <summary>The view has more partitions.</summary>
        WiderSpend,

        /// <summary>There is no view of a view.</summary>
        WithoutTier,

        /// <summary>There are no top lists.</summary>
        WithoutBoard,

        /// <summary>The summary is folded from what customers spend, and not from the sales.</summary>
        SummaryOfSpend,

        /// <summary>There is no join.</summary>
        WithoutProfile,

        /// <summary>The join is folded otherwise, under another version.</summary>
        TripledProfile,
    }

    internal static int Differences { get; } = Enum.GetValues<Difference>().Length;

    /// <summary>The same with some differences turned.</summary>
    internal Deployment With(params Difference[] turned) => new(turned.Aggregate(Number, (number, one) => number ^ (1 << (int)one)));

    internal bool Has(Difference difference) => (Number & (1 << (int)difference)) != 0;

    /// <summary>The definitions, checked.</summary>
    internal Topology Build()
    {
        var topology = new TopologyBuilder();
        AddTo(topology);
        return topology.Build();
    }

    internal void AddTo(TopologyBuilder topology)
    {
        switch (Has(Difference.PricedSale), Has(Difference.TripledSale))
        {
            case (false, false):
                Add<Sale<Once>>(topology);
                break;
            case (false, true):
                Add<Sale<Thrice>>(topology);
                break;
            case (true, false):
                Add<PricedSale<Once>>(topology);
                break;
            case (true, true):
                Add<PricedSale<Thrice>>(topology);
                break;
        }
    }

    private void Add<TSale>(TopologyBuilder topology)
        where TSale : class, IEntity<TSale>, ISale
    {
        topology.AddEntity<TSale>(sale => sale.Named("sale").WithVersion(Has(Difference.TripledSale) ? 2 : 1).WithPartitions(Partitions)
            .FromTopic(Has(Difference.OtherTopic) ? OtherSales : Sales));
        topology.AddEntity<Customer>(customer => customer.Named("customer").WithPartitions(Partitions).FromTopic(Customers));
        if (!Has(Difference.WithoutSpend))
        {
            if (Has(Difference.TripledSpend))
                AddSpend<TSale, Thrice>(topology, version: 2);
            else
                AddSpend<TSale, Once>(topology, version: 1);
        }

        if (!Has(Difference.WithoutBoard))
            topology.AddView<Board<TSale>>(board => board.Named("board").WithPartitions(ViewPartitions));
        if (Has(Difference.WithoutSpend) || !Has(Difference.SummaryOfSpend))
            topology.AddView<Summary<TSale>>(summary => summary.Named("summary").WithPartitions(1));
        if (Has(Difference.WithoutProfile))
            return;
        if (Has(Difference.TripledProfile))
            topology.AddView<Profile<TSale, Thrice>>(profile => profile.Named("profile").WithPartitions(ViewPartitions).WithVersion(2));
        else
            topology.AddView<Profile<TSale, Once>>(profile => profile.Named("profile").WithPartitions(ViewPartitions));
    }

    private void AddSpend<TSale, TFactor>(TopologyBuilder topology, int version)
        where TSale : class, ISale
        where TFactor : IFactor
    {
        topology.AddView<Spend<TSale, TFactor>>(spend => spend.Named("spend").WithVersion(version)
            .WithPartitions(Has(Difference.WiderSpend) ? ViewPartitions + 1 : ViewPartitions));
        if (!Has(Difference.WithoutTier))
            topology.AddView<Tier<Spend<TSale, TFactor>>>(tier => tier.Named("tier").WithPartitions(ViewPartitions));
        if (Has(Difference.SummaryOfSpend))
            topology.AddView<Summary<Spend<TSale, TFactor>>>(summary => summary.Named("summary").WithPartitions(1));
    }

    public override string ToString() => Number == 0 ? "plain" : string.Join('+', Enum.GetValues<Difference>().Where(Has));
}
