using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ActorStreams.Hosting.Api;

/// <summary>
/// Cuts a request body into groups of lines, as it arrives: nothing of it is kept but one group. A line that is too long is passed over,
/// and counted. A full group is given out when more comes after it, so that a body of one full group is still known to be the whole body.
/// </summary>
internal static class AppendBody
{
    /// <summary>Lines of a group.</summary>
    internal const int MaxLines = 1_000;

    /// <summary>Bytes of a group, but one line at least.</summary>
    internal const int MaxBytes = 1 << 20;

    /// <summary>The groups; a line that is too long comes as null. The last group is marked.</summary>
    internal static async IAsyncEnumerable<(List<byte[]?> Lines, bool Last)> GroupsAsync(
        PipeReader body, int maxLineBytes, BodyWait wait, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (group, bytes, skipping) = (new List<byte[]?>(), 0, false);
        while (true)
        {
            var read = await wait.ReadAsync(body, cancellationToken);
            var buffer = read.Buffer;
            while (TakeLine(ref buffer, read.IsCompleted, out var line))
            {
                if (skipping)
                {
                    // The end of a line that was given up.
                    skipping = false;
                    continue;
                }

                if (IsBlank(line))
                    continue;
                var taken = line.Length > maxLineBytes ? null : line.ToArray();
                if (IsFull(group, bytes, taken))
                {
                    yield return (group, false);
                    (group, bytes) = ([], 0);
                }

                group.Add(taken);
                bytes += taken?.Length ?? 0;
            }

            if (!skipping && buffer.Length > maxLineBytes)
            {
                if (IsFull(group, bytes, null))
                {
                    yield return (group, false);
                    (group, bytes) = ([], 0);
                }

                group.Add(null);
                skipping = true;
            }

            if (skipping)
                buffer = buffer.Slice(buffer.End);
            body.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                break;
        }

        yield return (group, true);
    }

    /// <summary>Whether one more line would be too much.</summary>
    private static bool IsFull(List<byte[]?> group, int bytes, byte[]? line) =>
        group.Count == MaxLines || (group.Count > 0 && bytes + (line?.Length ?? 0) > MaxBytes);

    private static bool TakeLine(ref ReadOnlySequence<byte> buffer, bool completed, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }

        line = buffer;
        if (!completed || buffer.IsEmpty)
            return false;
        buffer = buffer.Slice(buffer.End);
        return true;
    }

    private static bool IsBlank(in ReadOnlySequence<byte> line)
    {
        foreach (var segment in line)
        {
            if (segment.Span.ContainsAnyExcept(" \t\r"u8))
                return false;
        }

        return true;
    }
}
