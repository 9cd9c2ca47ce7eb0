using System.Reflection;
using ActorStreams.States;

namespace ActorStreams.Tests.Evolution;

/// <summary>A store that drops the states of some builds, and then fails: the process that rebuilt was killed there.</summary>
public class CutStore : DispatchProxy
{
    private IStateStore _store = null!;
    private int _drops;

    /// <summary>A store in front of another one.</summary>
    /// <param name="store">The other one.</param>
    /// <param name="drops">Builds that it drops.</param>
    internal static IStateStore Of(IStateStore store, int drops)
    {
        var proxy = Create<IStateStore, CutStore>();
        ((CutStore)(object)proxy)._store = store;
        ((CutStore)(object)proxy)._drops = drops;
        return proxy;
    }

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name == nameof(IStateStore.DropAsync) && _drops-- == 0
            ? throw new OperationCanceledException("Killed.") : targetMethod.Invoke(_store, args);
}
