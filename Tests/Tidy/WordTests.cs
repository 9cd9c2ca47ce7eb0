using System.Text.RegularExpressions;

namespace ActorStreams.Tests.Tidy;

/// <summary>One word for one thing: what the glossary's third column lists is not used in code, messages and pages.</summary>
public sealed partial class WordTests
{
    private const string Glossary = "docs/glossary.md";

    // Words of the third column that also have a meaning which the glossary does not take: a program cannot tell the two apart.
    private static readonly HashSet<string> Ambiguous =
    [
        .. """
            address bucket channel clock collection commit current delayed delta document drop dump event explain foreign generation id
            input job latency leader link listen live location master message metadata migrate model node parent process produce project
            publish queue reason reconnect reduce retry row savepoint schema serialization skip slice stream subscription swap switch
            table update worker bootstrap backlog dispatch park aggregate upstream
            """.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries),
    ];

    [Fact]
    public void A_thing_has_one_name()
    {
        var words = Words();
        Assert.True(words.Count > 20, $"Only {words.Count} words were read from {Glossary}.");
        var pattern = new Regex(string.Join(
            '|', words.Select(word => $@"(?<![A-Za-z]){word}s?(?![a-z])|{char.ToUpperInvariant(word[0])}{word[1..]}s?(?![a-z])")));
        Ratchet.Check(
            "banned-words", [.. Tree.Code.Concat(Tree.Pages)
                .Where(file => !file.StartsWith("Tests/Tidy/", StringComparison.Ordinal) && file != Glossary)
                .SelectMany(file => Repository.Read(file).Split('\n')
                    .SelectMany((line, index) => pattern.Matches(Foreign().Replace(line, ""))
                    .Select(word => $"{file}:{index + 1}: {word.Value}")))]);
    }

    private static List<string> Words() =>
    [
        .. Repository.Read(Glossary).Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .SelectMany(line => line.Split('|')[3].Split(',')).Select(word => word.Trim())
            .Where(word => word is not "not" && !Ambiguous.Contains(word)),
    ];

    /// <summary>Names of .NET and Kafka that hold such a word.</summary>
    [GeneratedRegex(
        @"String(?:Comparison|Comparer)\.Ordinal(?:IgnoreCase)?|GetOrdinal|\.NET's ordinal|ordinal (?:comparison|order)|"
        + "[Hh]igh ?[Ww]atermark|[Rr]ebalance|frame-ancestors|ShouldEmit")]
    private static partial Regex Foreign();
}
