using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ActorStreams.Json;

/// <summary>
/// The stored form of a dataset's states (semantics §3): a state is what its stored form reads back as. Every state that a fold gives is
/// taken through here, so that whether it can be stored, and what it reads back as, never depends on whether it is watched, routed, cached
/// or evicted. How much that costs is decided once for the type, see <see cref="StateShape{TState}"/>. One thread at a time.
/// </summary>
#pragma warning disable CA1001 // the JSON writer writes to memory: there is nothing to release
internal sealed class StateFormat<TState>
#pragma warning restore CA1001
    where TState : class
{
    private readonly JsonTypeInfo<TState> _json;
    private readonly StateBuffer _buffer;
    private readonly Utf8JsonWriter _writer;
    private readonly int _maxBytes;
    private readonly StateShape<TState> _shape;
    private readonly bool _keepsAll;

    /// <param name="json">How a state is written and read.</param>
    /// <param name="shape">What its type can hold.</param>
    /// <param name="maxBytes">The most bytes that the stored form of a state may have.</param>
    /// <param name="keepsAll">For the test kit: states are kept as the fold made them, so that what their stored form loses shows.</param>
    internal StateFormat(JsonTypeInfo<TState> json, StateShape<TState> shape, int maxBytes, bool keepsAll = false)
    {
        (_json, _shape, _maxBytes, _keepsAll) = (json, shape, maxBytes, keepsAll);
        _buffer = new(maxBytes);
        _writer = new(_buffer, new() { Encoder = json.Options.Encoder, SkipValidation = true });
    }

    /// <summary>Whether a state that was read back cannot be changed by who holds it, so that it need not be read again.</summary>
    internal bool IsFrozen => _shape.IsFrozen || _keepsAll;

    /// <summary>Whether states are kept as the fold made them, also where their stored form loses something.</summary>
    internal bool KeepsUnstored => _keepsAll;

    /// <summary>Takes a new state: the object that it reads back as, and its stored form where that was needed to know.</summary>
    /// <param name="state">The state as the fold gave it.</param>
    /// <param name="wantsBytes">Whether the stored form is needed in any case.</param>
    /// <exception cref="UnstorableStateException">It cannot be stored, or would be too large.</exception>
    internal TakenState<TState> Take(TState state, bool wantsBytes)
    {
        var measured = _shape.Measure(state);
        if (measured >= 0 && measured <= _maxBytes && !wantsBytes)
            return new(state, null, (int)measured, false);
        var bytes = Write(state, out var mayBeRounded);
        return new(measured >= 0 || _keepsAll ? state : ReadBack(bytes), bytes, bytes.Length, mayBeRounded);
    }

    /// <summary>Reads a stored state.</summary>
    internal TState Read(ReadOnlySpan<byte> stored) =>
        JsonSerializer.Deserialize(stored, _json) ?? throw new JsonException("A stored state is the JSON literal null.");

    /// <summary>The stored form of a state that was taken before.</summary>
    internal byte[] Write(TState state) => Write(state, out _);

    private byte[] Write(TState state, out bool mayBeRounded)
    {
        try
        {
            _buffer.Reset();
            _writer.Reset();
            PlainDecimalConverter.TakeWroteFull();
            JsonSerializer.Serialize(_writer, state, _json);
            _writer.Flush();
            mayBeRounded = PlainDecimalConverter.TakeWroteFull();
        }
        catch (StateOverflowException error)
        {
            throw TooLarge(error.Message);
        }
        catch (Exception error)
        {
            // A getter or converter of the user's may throw anything.
            throw new UnstorableStateException(
                $"The state of type {typeof(TState).Name} cannot be stored: {ExceptionText.Of(error)}", innerException: error);
        }

        return _buffer.Written.Length <= _maxBytes
            ? _buffer.Written.ToArray()
            : throw TooLarge(string.Create(CultureInfo.InvariantCulture, $"It has {_buffer.Written.Length:N0} bytes."));
    }

    private TState ReadBack(byte[] bytes)
    {
        try
        {
            return Read(bytes);
        }
        catch (Exception error)
        {
            throw new UnstorableStateException(
                $"The stored form of a state of type {typeof(TState).Name} cannot be read back: {ExceptionText.Of(error)} "
                + $"It is: {Beginning(bytes)}",
                innerException: error);
        }
    }

    private static string Beginning(byte[] bytes) =>
        bytes.Length <= 200 ? Encoding.UTF8.GetString(bytes) : Encoding.UTF8.GetString(bytes, 0, 200) + "…";

    private UnstorableStateException TooLarge(string size) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"The state of type {typeof(TState).Name} is too large. {size} At most {_maxBytes:N0} are taken. ")
        + "Keep less in one state, spread it over several keys, or raise WithMaxStateBytes.",
        isTooLarge: true);
}

/// <summary>A state as it was taken.</summary>
/// <param name="State">The object that the stored form reads back as.</param>
/// <param name="Stored">The stored form; null where it was not needed.</param>
/// <param name="Size">The bytes of the stored form, or an upper bound.</param>
/// <param name="MayBeRounded">Whether a decimal in it has as many digits as there can be.</param>
internal readonly record struct TakenState<TState>(TState? State, byte[]? Stored, int Size, bool MayBeRounded);
