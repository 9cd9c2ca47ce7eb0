using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Json;

namespace ActorStreams.Tests.Json;

/// <summary>
/// Which states may be kept as the fold made them is decided once for a type, and for each value that its stored form may lose something
/// of.
/// </summary>
public sealed class StateShapeTests
{
    private static readonly JsonSerializerOptions Options = Create();

    [Fact]
    public void A_record_of_numbers_text_and_times_is_measured() =>
        Assert.Equal((true, true), Shape<Flat>());

    [Fact]
    public void A_record_with_immutable_collections_is_read_back_and_kept() =>
        Assert.Equal((false, true), Shape<Frozen>());

    [Theory]
    [InlineData(typeof(WithList))]
    [InlineData(typeof(WithSetter))]
    [InlineData(typeof(WithObject))]
    public void What_somebody_could_change_is_read_each_time(Type type) => Assert.Equal((false, false), Shape(type));

    [Theory]
    [InlineData(typeof(Hiding))]
    [InlineData(typeof(Counting))]
    [InlineData(typeof(Trimming))]
    [InlineData(typeof(Ignoring))]
    public void A_type_whose_stored_form_is_not_all_of_it_is_read_back(Type type) => Assert.False(Shape(type).IsMeasured);

    [Fact]
    public void The_measure_bounds_the_stored_form_and_finds_what_it_loses()
    {
        var shape = new StateShape<Flat>(Json<Flat>());
        var flat = new Flat(
            -1, long.MinValue, 1.5m, "a\u0001\"é\U0001F600", DateTimeOffset.MaxValue, new(0.1m, 3), Guid.Empty, null, TimeSpan.MinValue,
                double.MinValue);
        for (var i = 0; i < 1_000; i++)
            shape.Measure(flat);
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(flat, Json<Flat>()).Length, 1, (int)shape.Measure(flat));
        Assert.True(shape.Measure(flat with { Text = "\ud800" }) < 0);
        Assert.True(shape.Measure(flat with { Amount = 1.50m }) < 0);
        Assert.True(shape.Measure(flat with { Amount = -0.0m }) < 0);
        Assert.True(shape.Measure(flat with { Amount = 79228162514264337593543950335m }) < 0);
        Assert.True(shape.Measure(flat with { Ratio = double.NaN }) < 0);
        Assert.True(shape.Measure(flat with { Mean = new(0.10m, 3) }) < 0);
    }

    [Fact]
    public void What_is_taken_is_what_reads_back()
    {
        var format = new StateFormat<Flat>(Json<Flat>(), new(Json<Flat>()), 10_000);
        var flat = new Flat(0, 0, 1.50m, "\ud800", default, default, Guid.Empty, 0, default, 0);
        for (var i = 0; i < 1_000; i++)
        {
            var taken = format.Take(flat, wantsBytes: i % 2 == 0);
            Assert.Equal(("1.5", "\ufffd"), (taken.State!.Amount.ToString(CultureInfo.InvariantCulture), taken.State.Text));
            Assert.Equal(JsonSerializer.SerializeToUtf8Bytes(flat, Json<Flat>()), taken.Stored);
            if (i > 500)
                Assert.Same(taken.State, format.Take(taken.State, wantsBytes: false).State);
        }
    }

    [Theory]
    [InlineData(typeof(Priced))]
    [InlineData(typeof(PricedList))]
    [InlineData(typeof(PricedSetter))]
    public void A_decimal_is_taken_without_its_trailing_zeros_however_its_type_is_kept(Type type)
    {
        foreach (var wantsBytes in new[] { true, false })
            Assert.Equal("1.5", TakenPrice(type, wantsBytes));
    }

    private static string TakenPrice(Type type, bool wantsBytes) => (string)typeof(StateShapeTests).GetMethod(
        nameof(TakenPriceOf), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.MakeGenericMethod(type)
        .Invoke(null, [wantsBytes])!;

    private static string TakenPriceOf<T>(bool wantsBytes)
        where T : class, IPriced, new()
    {
        var format = new StateFormat<T>(Json<T>(), new(Json<T>()), 10_000);
        for (var i = 0; i < 1_000; i++)
            format.Take(new() { Price = 2.25m }, wantsBytes);
        return format.Take(new() { Price = 1.50m }, wantsBytes).State!.Price.ToString(CultureInfo.InvariantCulture);
    }

    private static (bool IsMeasured, bool IsFrozen) Shape<T>()
        where T : class => new StateShape<T>(Json<T>()) is var shape ? (shape.IsMeasured, shape.IsFrozen) : default;

    private static (bool IsMeasured, bool IsFrozen) Shape(Type type) => ((bool, bool))typeof(StateShapeTests)
        .GetMethod(
            nameof(Shape), 1, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static, [])!.MakeGenericMethod(
                type).Invoke(null, null)!;

    private static JsonTypeInfo<T> Json<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions Create()
    {
        var topology = new TopologyBuilder();
        topology.Build();
        return topology.Json;
    }

    internal sealed record Flat(
        int Small, long Large, decimal Amount, string Text, DateTimeOffset At, Average Mean, Guid Id, int? Optional, TimeSpan Span,
            double Ratio)
    {
        public decimal Twice => Amount / 2;
    }

    internal sealed record Frozen(ImmutableHashSet<string> Tags, IReadOnlyList<Flat> Items);

    internal interface IPriced
    {
        decimal Price { get; init; }
    }

    /// <summary>Measured.</summary>
    internal sealed record Priced : IPriced
    {
        public decimal Price { get; init; }
    }

    /// <summary>Frozen.</summary>
    internal sealed record PricedList : IPriced
    {
        public decimal Price { get; init; }

        public ImmutableList<int> Numbers { get; init; } = [];
    }

    /// <summary>Open.</summary>
    internal sealed record PricedSetter : IPriced
    {
        public decimal Price { get; init; }

        public int Number { get; set; }
    }

    internal sealed record WithList(List<int> Numbers);

    internal sealed record WithSetter
    {
        public int Number { get; set; }
    }

    internal sealed record WithObject(object? Anything);

    internal sealed record Hiding(int Number)
    {
        [JsonIgnore]
        public int Hidden { get; init; }
    }

    internal sealed record Counting(int Number)
    {
        public int Number { get; init; } = Number + 1;
    }

    internal sealed record Trimming(string Text)
    {
        public string Text { get; init; } = Text.Trim();
    }

    internal sealed record Ignoring([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text);
}
