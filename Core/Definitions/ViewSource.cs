using ActorStreams.Reducing;

namespace ActorStreams.Definitions;

/// <summary>One source of a view: how its states are routed to view keys, and how its changes are folded.</summary>
public abstract class ViewSource<TView>
    where TView : class
{
    private protected ViewSource()
    {
    }

    /// <summary>The type of the source's state, by which its dataset is found.</summary>
    internal abstract Type SourceType { get; }

    /// <summary>How many reductions this source has: the slots it takes.</summary>
    internal abstract int Slots { get; }

    /// <summary>
    /// The other end: the router that the source's partition uses. A <see cref="Router{TSource}"/> of the source's type.
    /// </summary>
    internal abstract object CreateRouter();

    /// <summary>This end: what the view's partition folds the source's changes with.</summary>
    internal abstract SourceFold<TView> CreateFold(System.Text.Json.JsonSerializerOptions json);
}

/// <summary>Names the sources of a view that has several.</summary>
public static class ViewSource
{
    /// <summary>A source by <see cref="IView{TSelf, TSource}"/>.</summary>
    public static ViewSource<TView> Of<TView, TSource>()
        where TView : class, IView<TView, TSource>
        where TSource : class => new ViewSource<TView, TSource>();

    /// <summary>A source by <see cref="IReducingView{TSelf, TSource}"/>.</summary>
    public static ViewSource<TView> Reducing<TView, TSource>()
        where TView : class, IReducingView<TView, TSource>
        where TSource : class => new ReducingViewSource<TView, TSource>();
}

internal sealed class ViewSource<TView, TSource> : ViewSource<TView>
    where TView : class, IView<TView, TSource>
    where TSource : class
{
    internal override Type SourceType => typeof(TSource);

    internal override int Slots => 0;

    internal override object CreateRouter() => new Router();

    internal override SourceFold<TView> CreateFold(System.Text.Json.JsonSerializerOptions json) => new Fold(json);

    private sealed class Router : Router<TSource>
    {
        internal override IEnumerable<string> KeysOf(string key, TSource state) => TView.KeysOf(key, state);
    }

    private sealed class Fold(System.Text.Json.JsonSerializerOptions json) : SourceFold<TView, TSource>(json)
    {
        internal override TView? Apply(TView? state, in Change<TSource> change, in Reduced<TSource> reduced) => TView.Apply(state, change);
    }
}

internal sealed class ReducingViewSource<TView, TSource> : ViewSource<TView>
    where TView : class, IReducingView<TView, TSource>
    where TSource : class
{
    internal override Type SourceType => typeof(TSource);

    internal override int Slots => TView.Reductions.Count;

    internal override object CreateRouter() => new Router();

    internal override SourceFold<TView> CreateFold(System.Text.Json.JsonSerializerOptions json) => new Fold(json);

    private sealed class Router : Router<TSource>
    {
        internal override IEnumerable<string> KeysOf(string key, TSource state) => TView.KeysOf(key, state);
    }

    private sealed class Fold(System.Text.Json.JsonSerializerOptions json) : SourceFold<TView, TSource>(json, [.. TView.Reductions])
    {
        internal override TView? Apply(TView? state, in Change<TSource> change, in Reduced<TSource> reduced) =>
            TView.Apply(state, change, reduced);
    }
}
