using System.Text;

namespace ActorStreams.Protocol;

/// <summary>
/// The header that makes an append repeatable, as the IETF's draft of <c>Idempotency-Key</c> has it: a structured string (RFC 8941), such
/// as <c>"8e03978e-40d5-43dd-bc93-6894a57f9324"</c>. The key without quotes means the same.
/// </summary>
public static class IdempotencyKeys
{
    /// <summary>The header of a request.</summary>
    public const string Header = "Idempotency-Key";

    /// <summary>The header of an answer that an earlier request with the same key had: <c>true</c>.</summary>
    public const string Replayed = "Idempotent-Replayed";

    /// <summary>Characters of a key at most.</summary>
    public const int MaxLength = 255;

    /// <summary>What is wrong with a key; null for nothing.</summary>
    public static string? FaultOf(string key)
    {
        if (key.Length is 0 or > MaxLength)
        {
            return $"The idempotency key has {key.Length} characters, but must have 1 to {MaxLength}. "
                + "Send a UUID, or hash what it is made of.";
        }

        return key.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? "The idempotency key has characters beyond printable ASCII. Send a UUID, or hash what it is made of."
            : null;
    }

    /// <summary>The header's value for a key.</summary>
    public static string Write(string key) =>
        $"\"{key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>Reads the header's value.</summary>
    /// <returns>Null and the key, or what is wrong.</returns>
    public static string? Read(string value, out string key)
    {
        key = value.Trim(' ', '\t');
        return !key.StartsWith('"') || Unquote(ref key)
            ? FaultOf(key)
            : "The idempotency key begins with a quote, but is no structured string (RFC 8941): it ends with a quote, and has \\\" for a "
                + "quote and \\\\ for a backslash within.";
    }

    private static bool Unquote(ref string key)
    {
        var text = new StringBuilder(key.Length);
        for (var i = 1; i < key.Length; i++)
        {
            if (key[i] == '"')
            {
                var isWhole = i == key.Length - 1;
                key = text.ToString();
                return isWhole;
            }

            if (key[i] == '\\' && (++i == key.Length || key[i] is not ('"' or '\\')))
                return false;
            text.Append(key[i]);
        }

        return false;
    }
}
