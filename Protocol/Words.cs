using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Protocol;

/// <summary>
/// The words by which the members of an enum are named in JSON: <see cref="JsonStringEnumMemberNameAttribute"/>, or else
/// the member's name in lower case.
/// </summary>
public static class Words
{
    /// <summary>The word for a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is no member of its enum.</exception>
    public static string Of<T>(T value)
        where T : struct, Enum => Table<T>.Names.TryGetValue(value, out var word)
            ? word
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"{typeof(T).Name} has no such member.");

    /// <summary>The value that a word names.</summary>
    /// <returns>False when the word is unknown.</returns>
    public static bool TryParse<T>(string? word, out T value)
        where T : struct, Enum => Table<T>.Values.TryGetValue(word ?? "", out value);

    /// <summary>All words of an enum, in the order of its members.</summary>
    public static IEnumerable<string> All<T>()
        where T : struct, Enum => Enum.GetValues<T>().Select(Of);

    private static class Table<T>
        where T : struct, Enum
    {
        internal static readonly Dictionary<T, string> Names = Enum.GetValues<T>().ToDictionary(value => value, WordOf);
        internal static readonly Dictionary<string, T> Values = Names.ToDictionary(
            pair => pair.Value, pair => pair.Key, StringComparer.OrdinalIgnoreCase);

        private static string WordOf(T value) =>
            typeof(T).GetField(value.ToString())!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
                ?? value.ToString().ToLowerInvariant();
    }
}

/// <summary>
/// Reads and writes an enum by its <see cref="Words"/>. A word that is not known, as a later silo may send, reads as the member
/// <c>Unknown</c> where there is one.
/// </summary>
/// <typeparam name="T">The enum.</typeparam>
public sealed class WordConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private const string Unknown = "Unknown";

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var word = reader.TokenType == JsonTokenType.String
            ? reader.GetString()
            : throw new JsonException($"A word of {typeof(T).Name} is expected.");
        return Words.TryParse<T>(word, out var value) || Enum.TryParse(Unknown, out value)
            ? value
            : throw new JsonException($"'{word}' is no word of {typeof(T).Name}.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Words.Of(value));
}
