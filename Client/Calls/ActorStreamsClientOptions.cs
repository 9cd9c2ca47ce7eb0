using System.Text.Json;

namespace ActorStreams.Client.Calls;

/// <summary>How a client behaves. The defaults suit a silo on the same network.</summary>
public sealed record ActorStreamsClientOptions
{
    /// <summary>How states and values are read and written as JSON. Default: camelCase, as the web does.</summary>
    public JsonSerializerOptions JsonSerializerOptions { get; init; } = JsonSerializerOptions.Web;

    /// <summary>The clock for time-outs and waits.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// The token that every request sends, if the silo requires one; null for none. It is called for each request, so that a token that
    /// expires can be replaced. <see cref="TokenFile"/> reads one from a file. No message and no log has what it answers.
    /// </summary>
    public Func<string?>? Token { get; init; }

    /// <summary>
    /// The authorities that are trusted instead of the machine's, as a PEM file; for silos with certificates of your own. Used if the
    /// client makes its own HttpClient.
    /// </summary>
    public string? CaFile { get; init; }

    /// <summary>How long a request may take until its answer begins, where the client makes its own HttpClient. Default 100.</summary>
    public double RequestTimeoutSeconds { get; init; } = 100;

    /// <summary>A watch without a heartbeat for this long is reconnected. Silos send one every 15 seconds. Default 45.</summary>
    public double HeartbeatTimeoutSeconds { get; init; } = 45;

    /// <summary>The wait before a broken watch first connects again; it doubles with each failure. Default 100.</summary>
    public double ReconnectMinMilliseconds { get; init; } = 100;

    /// <summary>The longest wait between two attempts of a watch to connect. Default 5,000.</summary>
    public double ReconnectMaxMilliseconds { get; init; } = 5_000;

    /// <summary>How long a dataset's kind is cached before the silo is queried again. Default 60.</summary>
    public double DatasetCacheSeconds { get; init; } = 60;

    /// <summary>A token from a file, which is read for each request: replacing it needs no restart.</summary>
    public static Func<string?> TokenFile(string path) => () =>
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ActorStreamsException($"The file '{path}' with the token cannot be read: {error.Message}");
        }
    };

    /// <summary>Throws with all that is wrong at once.</summary>
    internal void Validate()
    {
        List<string> errors = [];
        Check(RequestTimeoutSeconds, nameof(RequestTimeoutSeconds));
        Check(HeartbeatTimeoutSeconds, nameof(HeartbeatTimeoutSeconds));
        Check(ReconnectMinMilliseconds, nameof(ReconnectMinMilliseconds));
        Check(DatasetCacheSeconds, nameof(DatasetCacheSeconds));
        if (!(ReconnectMaxMilliseconds >= ReconnectMinMilliseconds))
            errors.Add(
                $"{nameof(ReconnectMaxMilliseconds)} is {ReconnectMaxMilliseconds}: it must be at least "
                + $"{nameof(ReconnectMinMilliseconds)}, {ReconnectMinMilliseconds}.");
        if (CaFile is { } file && !File.Exists(file))
            errors.Add($"{nameof(CaFile)} '{file}' does not exist, or this process may not see it.");
        if (errors.Count > 0)
            throw new ArgumentException(string.Join(' ', errors));

        void Check(double value, string name)
        {
            if (!(value > 0 && value < int.MaxValue))
                errors.Add($"{name} is {value}: it must be above 0.");
        }
    }
}
