using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading.Git;

/// <summary>
/// Reads the output of <c>git log -z --raw --numstat --format=@%H%x1f%ct%x1f%ae%x1f%an</c>.
/// </summary>
/// <remarks>
/// It is a sequence of texts, each ended by a zero byte, so that any file name comes as it is. A commit is
/// <code>
/// @hash ␟ time ␟ e-mail ␟ name
/// :oldmode newmode oldhash newhash status    then a text for the path; one pair a file (the first begins with a line break)
/// added TAB deleted TAB path                 one a file, "-" for the counts of a binary one
/// </code>
/// A path comes only where one is due, so it cannot be confused with another kind of text. A commit without changes is its first line
/// alone.
/// </remarks>
internal sealed class GitLogParser(bool realNames)
{
    // Git lengthens its own short hashes as a repository grows; a fixed length keeps a record the same when it is loaded again.
    private const int ShortHash = 9;

    private readonly List<(string Path, string Status)> _files = [];
    private readonly Dictionary<string, (long? Added, long? Deleted)> _lines = [];
    private string[]? _header;

    /// <summary>Commits read completely.</summary>
    public long Commits { get; private set; }

    /// <summary>
    /// The changes in the output. <paramref name="end"/> throws when git failed; the last commit is given only after it did not.
    /// </summary>
    public async IAsyncEnumerable<GitChange> ParseAsync(
        Stream output, Func<CancellationToken, Task> end, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var texts = new ZeroEndedTexts(output);
        while (await texts.NextAsync(cancellationToken).ConfigureAwait(false) is { } text)
        {
            text = text.TrimStart('\n');
            if (text.StartsWith('@'))
            {
                foreach (var change in Take())
                    yield return change;
                _header = text[1..].Split('\x1f', 4);
            }
            else if (text.StartsWith(':'))
            {
                var path = await texts.NextAsync(cancellationToken).ConfigureAwait(false) ?? throw Unexpected(text);
                _files.Add((path, text[(text.LastIndexOf(' ') + 1)..][..1]));
            }
            else if (text.Length > 0)
            {
                var parts = text.Split('\t', 3);
                _lines[parts.Length == 3 ? parts[2] : throw Unexpected(text)] = (Count(parts[0]), Count(parts[1]));
            }
        }

        await end(cancellationToken).ConfigureAwait(false);
        foreach (var change in Take())
            yield return change;
    }

    // The changes of the commit that was read, in git's order.
    private IEnumerable<GitChange> Take()
    {
        if (_header is not [var hash, var time, var email, var name])
            yield break;
        Commits++;
        var author = realNames ? name : Pseudonym(email);
        foreach (var (path, status) in _files)
        {
            var (added, deleted) = _lines.GetValueOrDefault(path, (0, 0));
            yield return new(
                hash[..ShortHash], Commits, long.Parse(time, CultureInfo.InvariantCulture), author, path, status, added, deleted);
        }

        _files.Clear();
        _lines.Clear();
    }

    private static string Pseudonym(string email) =>
        "dev-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email.ToLowerInvariant())))[..6];

    private static long? Count(string text) => text == "-" ? null : long.Parse(text, CultureInfo.InvariantCulture);

    private static LoadSourceException Unexpected(string text) =>
        new($"git wrote '{text}', which is not a part of a log as this version reads it. Report it together with 'git --version'.");
}
