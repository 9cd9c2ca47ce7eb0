using System.Text;
using ActorStreams.Json;

namespace ActorStreams.Definitions;

/// <summary>What a key is: text with a UTF-8 form, of at most <see cref="FoldLimits.MaxKeyBytes"/> bytes.</summary>
internal static class KeyText
{
    private const int ShownChars = 64;

    /// <summary>What is wrong with a view key; null for a key that may be.</summary>
    internal static string? FaultOf(string key)
    {
        if (key.Length <= FoldLimits.MaxKeyBytes / 3 && !StateLeaf.HasLoneSurrogate(key))
            return null;
        if (StateLeaf.HasLoneSurrogate(key))
            return $"The view key '{Shown(key)}' has half of a surrogate pair: it has no UTF-8 form that tells it from other keys.";
        var bytes = Encoding.UTF8.GetByteCount(key);
        return bytes <= FoldLimits.MaxKeyBytes ? null : TooLong($"The view key '{Shown(key)}'", bytes);
    }

    internal static string TooLong(string what, int bytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"{what} has {bytes:N0} bytes of UTF-8, but at most {FoldLimits.MaxKeyBytes:N0} are taken. Use a shorter one, such as its hash.");

    /// <summary>A key as it is shown in a message.</summary>
    internal static string Shown(string key) => key.Length <= ShownChars ? key : key[..ShownChars] + "…";
}
