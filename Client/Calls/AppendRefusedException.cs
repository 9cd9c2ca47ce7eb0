using System.Net;

namespace ActorStreams.Client.Calls;

/// <summary>The silo found a record it cannot take. Correct the record.</summary>
public sealed class AppendRefusedException(string message, int line, string error, HttpStatusCode? status, string? title)
    : ActorStreamsException(message, status, title)
{
    /// <summary>The first refused record: its number in what was sent, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>What is wrong with it.</summary>
    public string Error { get; } = error;
}
