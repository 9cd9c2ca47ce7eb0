using System.Text.Json;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// A made-up history of the shape of a real repository's: about 70,000 changes that leave about 5,000 files, in folders of any depth, with
/// deletions and creations anew, changes of type, binary files, busy and idle authors, and a clock that now and then runs backwards.
/// </summary>
internal static class GitLikeHistory
{
    private const int Records = 70_000;
    private const int LiveFiles = 5_000;
    private static readonly string[] Extensions = [".cs", ".cs", ".cs", ".cs", ".md", ".json", ".csproj", ".yml", ".png", ""];

    internal static IEnumerable<string> Lines(int seed)
    {
        var random = new Random(seed);
        var (live, lines, gone) = (new List<string>(), new Dictionary<string, int>(), new List<string>());
        var (commit, time, left, author) = (0, 1_400_000_000L, 0, "");
        for (var record = 0; record < Records; record++)
        {
            if (left-- <= 0)
            {
                (commit, left) = (commit + 1, random.Next(1, 30));
                time += random.Next(200) == 0 ? -random.Next(1, 5_000) : random.Next(1, 80_000);
                author = $"dev-{(int)(60 * Math.Pow(random.NextDouble(), 3)):x2}";
            }

            var kind = random.NextDouble();
            var grow = live.Count < LiveFiles * Math.Min(1.0, 0.05 + (1.2 * record / Records)) ? 0.25 : 0.08;
            var created = live.Count == 0 || kind < grow;
            var place = random.Next(Math.Max(1, live.Count));
            var path = created ? NewPath(random, lines, gone) : live[place];
            var status = created ? "A" : kind < grow + 0.08 ? "D" : random.Next(400) == 0 ? "T" : "M";
            var binary = path.EndsWith(".png", StringComparison.Ordinal);
            var added = status == "D" ? 0 : random.Next(created ? 400 : 40);
            var deleted = status == "D" ? lines[path] : created ? 0 : random.Next(Math.Min(lines[path], 35) + 1);
            if (created)
                live.Add(path);
            if (status == "D")
            {
                live[place] = live[^1];
                live.RemoveAt(live.Count - 1);
                lines.Remove(path);
                gone.Add(path);
            }
            else
            {
                lines[path] = (created ? 0 : lines[path]) + added - deleted;
            }

            yield return JsonSerializer.Serialize(new
            {
                commit = $"{commit:x9}", seq = commit, time, author, path, status, added = binary ? (int?)null : added,
                deleted = binary ? (int?)null : deleted,
            });
        }
    }

    private static string NewPath(Random random, Dictionary<string, int> exists, List<string> gone)
    {
        if (gone.Count > 0 && random.Next(4) == 0 && gone[random.Next(gone.Count)] is var again && !exists.ContainsKey(again))
            return again;
        while (true)
        {
            var folders = Enumerable.Range(0, random.Next(5)).Select(depth => $"{(char)('a' + depth)}{random.Next(2 + (3 * depth))}/");
            var path = $"{string.Concat(folders)}File{random.Next(20_000)}{Extensions[random.Next(Extensions.Length)]}";
            if (!exists.ContainsKey(path))
                return path;
        }
    }
}
