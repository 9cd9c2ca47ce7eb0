namespace ActorStreams.Json;

/// <summary>The text of an exception of user code, whose members may throw as well, and may be of any length.</summary>
internal static class ExceptionText
{
    private const int MaxChars = 8 << 10;

    /// <summary>Its message.</summary>
    internal static string Of(Exception error) => Read(error, error => error.Message);

    /// <summary>The exception with its stack.</summary>
    internal static string WithStack(Exception error) => Read(error, error => error.ToString());

    private static string Read(Exception error, Func<Exception, string?> text)
    {
        try
        {
            var read = text(error) ?? "";
            return read.Length <= MaxChars ? read : read[..MaxChars] + "…";
        }
        catch (Exception)
        {
            return $"{error.GetType().FullName} (its text cannot be read: that throws as well)";
        }
    }
}
