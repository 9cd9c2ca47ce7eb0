using System.Linq.Expressions;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ActorStreams.Json;

/// <summary>
/// What a type of states can hold, found once by walking how it is written as JSON:
/// <list type="bullet">
/// <item>Measured: all it holds is stored, and nothing can change it: numbers, text, times, and records of those. A state is not written
/// to learn whether it can be, and is kept as the fold made it.</item>
/// <item>Frozen: nothing can change it (records and immutable collections), but its stored form may lose something. A state is written and
/// read back at each step, and what was read is kept.</item>
/// <item>Open: anything else. A state is written and read back at each step, and read again whenever it is needed.</item>
/// </list>
/// </summary>
internal sealed class StateShape<TState>
    where TState : class
{
    /// <summary>
    /// States that are written before the measure is compiled: both ways come to the same, and most types of a short run never pay for it.
    /// </summary>
    private const int StatesBeforeMeasuring = 256;

    private readonly Lazy<Func<TState, long>?> _measure;
    private int _states;

    internal StateShape(JsonTypeInfo<TState> json)
    {
        IsFrozen = new StateWalk(json.Options).IsFrozen(typeof(TState));
        _measure = new(() => IsFrozen ? Compile(json) : null);
    }

    /// <summary>Nothing can change an object of this type after it was read.</summary>
    internal bool IsFrozen { get; }

    /// <summary>Whether states are measured, once there were some.</summary>
    internal bool IsMeasured => _measure.Value is not null;

    /// <summary>
    /// An upper bound of the bytes of a state's stored form; negative when it has to be written, since the form may lose something.
    /// </summary>
    internal long Measure(TState state)
    {
        if (_states < StatesBeforeMeasuring)
        {
            _states++;
            return -1;
        }

        if (_measure.Value is not { } measure || state.GetType() != typeof(TState))
            return -1;
        try
        {
            return measure(state);
        }
        catch (Exception)
        {
            return -1; // a getter of the user's: writing the state says what it throws
        }
    }

    private static Func<TState, long>? Compile(JsonTypeInfo<TState> json)
    {
        var walk = new StateWalk(json.Options);
        var state = Expression.Parameter(typeof(TState), "state");
        if (!json.Type.IsClass || walk.SizeOf(state, isStored: true) is not { } size)
            return null;
        var measure = Expression.Lambda<Func<TState, long>>(size, state).Compile();
        return SampleReadsBack(json, walk, measure) ? measure : null;
    }

    /// <summary>A constructor or setter may make something else of what is read. It would do so to samples as well.</summary>
    private static bool SampleReadsBack(JsonTypeInfo<TState> json, StateWalk walk, Func<TState, long> measure)
    {
        try
        {
            for (var variant = 0; variant < StateWalk.Samples; variant++)
            {
                var sample = walk.SampleOf(typeof(TState), variant);
                var read = JsonSerializer.Deserialize(sample, json)!;
                var written = JsonSerializer.SerializeToUtf8Bytes(read, json);
                var again = JsonSerializer.SerializeToUtf8Bytes(JsonSerializer.Deserialize(written, json)!, json);
                var isTooLow = measure(read) is >= 0 and var size && size < written.Length;
                if (isTooLow || !written.AsSpan().SequenceEqual(again) || !StateWalk.HasSample(written, sample))
                    return false;
            }

            return true;
        }
        catch (Exception)
        {
            return false; // the type takes no samples: it is then written at each step
        }
    }
}
