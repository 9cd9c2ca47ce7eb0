using System.Runtime.CompilerServices;

namespace ActorStreams.Storage;

/// <summary>Checks options when a store is opened, and reports all errors at once.</summary>
internal static class OptionCheck
{
    public static string? Range(int value, int least, int most, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= least && value <= most
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{name} is {value}, but must be {least} to {most}.");

    public static string? Given(string? value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        string.IsNullOrEmpty(value) ? $"{name} is missing." : null;

    public static void All(params ReadOnlySpan<string?> errors)
    {
        var found = errors.ToArray().Where(error => error is not null).ToList();
        if (found.Count > 0)
            throw new ArgumentException(string.Join(' ', found));
    }
}
