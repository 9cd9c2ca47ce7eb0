using ActorStreams.Reducing;

namespace ActorStreams.Definitions;

/// <summary>
/// A derived view: implement <see cref="IView{TSelf, TSource}"/> or <see cref="IReducingView{TSelf, TSource}"/>, once a source. A view of
/// several sources is a join, since all its inputs arrive in one log by one key; it also says which they are:
/// <c>public static IReadOnlyList&lt;ViewSource&lt;Profile&gt;&gt; Sources =&gt; [ViewSource.Of&lt;Profile, Order&gt;(),
/// ViewSource.Of&lt;Profile, Customer&gt;()];</c>
/// </summary>
public interface IView<TSelf>
    where TSelf : class, IView<TSelf>
{
    /// <summary>The sources. With a single source there is nothing to implement; with several the compiler requires it.</summary>
    static abstract IReadOnlyList<ViewSource<TSelf>> Sources { get; }
}

/// <summary>A derived view: the state of one view key, folded from the changes of a source.</summary>
/// <typeparam name="TSelf">The view's state: an immutable record that rests in the store as JSON.</typeparam>
/// <typeparam name="TSource">The state of the source, an entity or another view.</typeparam>
public interface IView<TSelf, TSource> : IView<TSelf>
    where TSelf : class, IView<TSelf, TSource>
    where TSource : class
{
    /// <summary>
    /// Whose state does a source state concern: any number of view keys. Must be pure. The runtime compares the keys before and after a
    /// change, so a view never has to think about moves.
    /// </summary>
    /// <param name="key">The source's key.</param>
    /// <param name="source">The source's state.</param>
    static abstract IEnumerable<string> KeysOf(string key, TSource source);

    /// <summary>
    /// The view's state after a change of a source. Must be pure, and must not depend on the order in which changes of different source
    /// keys come; <c>ActorStreams.Testing.Laws</c> checks it.
    /// </summary>
    /// <param name="state">The state before; null when there is none.</param>
    /// <param name="change">The change.</param>
    /// <returns>The new state; null when there is nothing to say of this key any more.</returns>
    static abstract TSelf? Apply(TSelf? state, in Change<TSource> change);

    static IReadOnlyList<ViewSource<TSelf>> IView<TSelf>.Sources => [new ViewSource<TSelf, TSource>()];
}

/// <summary>
/// A view some of whose values cannot be taken back from the state alone: a maximum, the top ten, the number of distinct values.
/// It declares what each source contributes; the contributions are kept <em>beside</em> the state, each under its own key, so a change
/// costs the logarithm of their number and readers never carry them along.
/// </summary>
/// <inheritdoc cref="IView{TSelf, TSource}"/>
public interface IReducingView<TSelf, TSource> : IView<TSelf>
    where TSelf : class, IReducingView<TSelf, TSource>
    where TSource : class
{
    /// <summary>
    /// The reductions of this source, always the same ones in the same order; see <see cref="Reduce"/>. To change
    /// them, raise the view's version.
    /// </summary>
    static abstract IReadOnlyList<Reduction<TSource>> Reductions { get; }

    /// <inheritdoc cref="IView{TSelf, TSource}.KeysOf"/>
    static abstract IEnumerable<string> KeysOf(string key, TSource source);

    /// <inheritdoc cref="IView{TSelf, TSource}.Apply"/>
    /// <param name="state">The state before; null when there is none.</param>
    /// <param name="change">The change.</param>
    /// <param name="reduced">The value of each reduction, this change included.</param>
    static abstract TSelf? Apply(TSelf? state, in Change<TSource> change, in Reduced<TSource> reduced);

    static IReadOnlyList<ViewSource<TSelf>> IView<TSelf>.Sources => [new ReducingViewSource<TSelf, TSource>()];
}
