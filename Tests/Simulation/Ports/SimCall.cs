namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>
/// A call of a silo to the log or the store that is under way. Its effect and its answer are events of their own: between them the silo
/// can crash, others can call, and the answer can be lost.
/// </summary>
internal abstract class SimCall(Silo silo)
{
    internal Silo Silo { get; } = silo;

    /// <summary>The event before which a slow call does not go on.</summary>
    internal int SlowUntil { get; set; }

    /// <summary>True when it can go on now: a read at the end of the log cannot.</summary>
    internal abstract bool CanStep { get; }

    /// <summary>Goes one step on. True when the call has ended.</summary>
    internal abstract bool Step();

    /// <summary>The silo has crashed. True when the call has an effect that may still come.</summary>
    internal abstract bool Abandon();
}

/// <summary>A call with one effect, which comes all at once.</summary>
/// <param name="simulation">The simulation.</param>
/// <param name="silo">Who calls.</param>
/// <param name="terms">What may go wrong.</param>
/// <param name="effect">What it does and gives.</param>
/// <param name="cancellationToken">Ends the call, unless its effect has come.</param>
internal sealed class SimCall<T>(Simulation simulation, Silo silo, CallTerms terms, Func<T> effect, CancellationToken cancellationToken)
    : SimCall(silo)
{
    // Continuations run inline, in the event that ends the call: those of the silo's own code go through its scheduler.
    private readonly TaskCompletionSource<T> _end = new();
    private bool _hasEffect;
    private bool _isAbandoned;
    private T? _result;
    private Exception? _error;

    internal Task<T> Task => _end.Task;

    internal override bool CanStep => _hasEffect || cancellationToken.IsCancellationRequested || terms.IsReady?.Invoke() != false;

    internal override bool Step() => _hasEffect ? End() : Begin();

    internal override bool Abandon()
    {
        _isAbandoned = true;
        return terms.IsWrite && !_hasEffect && simulation.Random.Next(2) == 0;
    }

    private bool Begin()
    {
        if (cancellationToken.IsCancellationRequested && !_isAbandoned)
        {
            _end.TrySetCanceled(cancellationToken);
            return true;
        }

        if (!_isAbandoned && simulation.Happens(terms.Fault, terms.OneIn))
        {
            // A write that was reported failed can come true later.
            _isAbandoned = terms.IsWrite && simulation.Random.Next(3) == 0;
            simulation.Trace($"{terms.Name} fails{(_isAbandoned ? ", and comes late" : "")}");
            _end.TrySetException(terms.Failure());
            return !_isAbandoned;
        }

        try
        {
            _result = effect();
        }
        catch (Exception error)
        {
            _error = error;
        }

        simulation.Trace($"{terms.Name}{(_error is null ? "" : $": {_error.GetType().Name}")}");
        _hasEffect = true;
        return _isAbandoned;
    }

    private bool End()
    {
        if (_error is not null)
            _end.TrySetException(_error);
        else if (simulation.Happens(terms.Fault, terms.OneIn))
            _end.TrySetException(terms.Failure());
        else
            _end.TrySetResult(_result!);
        simulation.Trace($"{terms.Name} ends {_end.Task.Status}");
        return true;
    }
}

/// <summary>How a call behaves.</summary>
/// <param name="Name">Its name in the trace.</param>
/// <param name="Fault">The kind of fault that can meet it.</param>
/// <param name="OneIn">How rarely.</param>
/// <param name="Failure">The failure that is then reported.</param>
internal sealed record CallTerms(string Name, Faults Fault, int OneIn, Func<Exception> Failure)
{
    /// <summary>Whether it changes anything, so that it can come true after its caller has given up.</summary>
    internal bool IsWrite { get; init; }

    /// <summary>When it can have its effect; null for at once.</summary>
    internal Func<bool>? IsReady { get; init; }
}
