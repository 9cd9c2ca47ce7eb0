using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.States;

namespace ActorStreams.Testing;

/// <summary>The law of KeysOf, which is checked on single states.</summary>
internal sealed class KeyLaw<TSource>(LawRig rig, Router<TSource> router, JsonSerializerOptions json)
    where TSource : class
{
    private readonly JsonTypeInfo<TSource> _json = (JsonTypeInfo<TSource>)json.GetTypeInfo(typeof(TSource));

    /// <exception cref="LawViolationException">The keys differ.</exception>
    internal void Check(string key, TSource state, int seed)
    {
        var stored = JsonSerializer.SerializeToUtf8Bytes(state, _json);
        var first = Keys(key, state);
        Compare("Asked again", Keys(key, state));
        Compare("Of the state as it was stored and read back", Keys(key, JsonSerializer.Deserialize(stored, _json)!));

        void Compare(string how, string second)
        {
            if (first != second)
                throw new LawViolationException(
                    Law.KeysAreOfTheState, rig.Definition, seed,
                    $"State of {key}:\n  {Encoding.UTF8.GetString(stored)}\nAt first:\n  {first}\n{how}:\n  {second}");
        }
    }

    /// <summary>
    /// The order does not count, since routes are put in the order of their keys. A KeysOf that throws must do so every time.
    /// </summary>
    private string Keys(string key, TSource state)
    {
        try
        {
            return string.Join(", ", router.KeysOf(key, state).Order(KeyOrder.Instance).Select(viewKey => $"'{viewKey}'"));
        }
        catch (Exception error)
        {
            // The user's code may throw anything; the fold would set the change aside.
            return $"an exception: {error.Message}";
        }
    }
}
