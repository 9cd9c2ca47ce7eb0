using System.Text;

namespace ActorStreams.Tests.Tidy;

/// <summary>
/// The number of offences against each rule that the repository still has, in <c>baseline.txt</c>. A rule that is not listed
/// there has none. The number may only fall: a test fails when a rule has more offences, and also when it has fewer and the
/// file was not lowered with them.
/// </summary>
internal static class Ratchet
{
    private const string Baseline = "Tests/Tidy/baseline.txt";
    private const int MaxShown = 100;

    private static readonly Lock Gate = new();

    /// <summary>Whether this run writes what it finds into the files that it compares with: <c>ACCEPT=1</c>.</summary>
    internal static bool Accepts => Environment.GetEnvironmentVariable("ACCEPT") == "1";

    /// <summary>Compares the offences with the baseline, and prints the figure.</summary>
    internal static void Check(string rule, IReadOnlyCollection<string> offences)
    {
        var allowed = Allowed(rule);
        Console.WriteLine($"tidy: {rule}={offences.Count}{(offences.Count == allowed ? "" : $", baseline {allowed}")}");
        if (offences.Count == allowed)
            return;
        if (offences.Count < allowed && Accepts)
            Lower(rule, allowed, offences.Count);
        else
            Assert.Fail(Message(rule, allowed, offences));
    }

    private static string Message(string rule, int allowed, IReadOnlyCollection<string> offences)
    {
        var message = new StringBuilder();
        message.AppendLine(CultureInfo.InvariantCulture, $"Rule '{rule}' has {offences.Count} offences, and {Baseline} says {allowed}.");
        message.AppendLine(offences.Count > allowed
            ? "Mend those that are new. All of them:"
            : "Lower the figure: run this test with ACCEPT=1. What is left:");
        foreach (var offence in offences.Order(StringComparer.Ordinal).Take(MaxShown))
            message.AppendLine(CultureInfo.InvariantCulture, $"  {offence}");
        if (offences.Count > MaxShown)
            message.AppendLine(CultureInfo.InvariantCulture, $"  and {offences.Count - MaxShown} more");
        return message.ToString();
    }

    private static int Allowed(string rule)
    {
        lock (Gate)
        {
            var line = Repository.Read(Baseline).Split('\n').SingleOrDefault(line => line.StartsWith($"{rule}=", StringComparison.Ordinal));
            return line is null ? 0 : int.Parse(line[(rule.Length + 1)..], CultureInfo.InvariantCulture);
        }
    }

    private static void Lower(string rule, int from, int to)
    {
        lock (Gate)
        {
            var text = Repository.Read(Baseline).Replace($"{rule}={from}\n", to == 0 ? "" : $"{rule}={to}\n", StringComparison.Ordinal);
            File.WriteAllText(Repository.File(Baseline), text);
        }
    }
}
