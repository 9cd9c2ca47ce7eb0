using Microsoft.CodeAnalysis;

namespace ActorStreams.Tests.Tidy;

/// <summary>Rules on what the product's code names.</summary>
public sealed class CodeTests
{
    private static readonly string[] EngineRooms =
    [
        "Core", "Partitions", "Kafka", "Storage", "Protocol", "Grains.Interfaces", "Grains", "Hosting",
    ];

    [Fact]
    public void Nearly_every_name_is_resolved_or_these_rules_see_nothing()
    {
        var code = ProductCode.Instance;
        Console.WriteLine($"tidy: {code.Uses.Count} names resolved, {code.Unresolved.Count} not");
        Assert.True(code.Uses.Count > 10_000, $"Only {code.Uses.Count} names were found.");
        Assert.True(code.Unresolved.Count * 200 < code.Uses.Count, string.Join('\n', code.Unresolved.Take(60)));
    }

    [Fact]
    public void No_circle_leads_through_the_folders_of_a_project() => Ratchet.Check("folders-in-circles", Circles.Find(
        ProductCode.Instance.Uses
            .Where(use => use.DeclaredIn is not null && Project.Of(use.File) == Project.Of(use.DeclaredIn))
            .Select(use => (From: Tree.FolderOf(use.File), To: Tree.FolderOf(use.DeclaredIn!), Use: use.ToString()))));

    [Fact]
    public void Engine_code_uses_no_banned_symbol()
    {
        var banned = Project.All.Where(project => EngineRooms.Contains(project.Room)).ToDictionary(project => project, Banned);
        Ratchet.Check("banned-symbols", [.. ProductCode.Instance.Uses
            .Where(use => banned.TryGetValue(Project.Of(use.File)!, out var ids) && Ids(use.Symbol).Any(ids.Contains))
            .DistinctBy(use => (use.File, use.Line)).Select(use => use.ToString())]);
    }

    [Fact]
    public void What_is_internal_in_Grains_is_hardly_used_outside() => Ratchet.Check("grains-internals-used-outside",
    [
        .. ProductCode.Instance.Uses
            .Where(use => use.DeclaredIn?.StartsWith("Grains/", StringComparison.Ordinal) == true
                && !use.File.StartsWith("Grains/", StringComparison.Ordinal))
            .Where(use => use.Symbol is INamedTypeSymbol { DeclaredAccessibility: Accessibility.Internal })
            .GroupBy(use => use.Symbol.ToDisplayString())
            .Select(uses => $"{uses.Key} is used by {string.Join(", ", uses.Select(use => use.File).Distinct())}"),
    ]);

    [Fact]
    public void A_neighbour_that_sees_internals_uses_them()
    {
        var used = ProductCode.Instance.Uses.Where(use => use.DeclaredIn is not null && IsInternal(use.Symbol))
            .GroupBy(use => (Project.Of(use.DeclaredIn!)!, Project.Of(use.File)!))
            .ToDictionary(uses => uses.Key, uses => uses.Select(use => use.Symbol.ToDisplayString()).Distinct().Count());
        var friends = Project.Product.SelectMany(project => project.Xml.Descendants("InternalsVisibleTo")
            .Select(friend => (Project: project, Friend: Project.Product.FirstOrDefault(p => p.Name == friend.Attribute("Include")!.Value)))
            .Where(pair => pair.Friend is not null)).ToList();
        foreach (var (project, friend) in friends)
            Console.WriteLine($"tidy: {friend!.Name} uses {used.GetValueOrDefault((project, friend))} internals of {project.Name}");

        Ratchet.Check("unused-friends", [.. friends.Where(pair => !used.ContainsKey((pair.Project, pair.Friend!)))
            .Select(pair => $"{pair.Project.File} shows its internals to {pair.Friend!.Name}")]);
    }

    private static bool IsInternal(ISymbol symbol)
    {
        for (var named = symbol; named is not null and not INamespaceSymbol; named = named.ContainingType)
        {
            if (named.DeclaredAccessibility is Accessibility.Internal or Accessibility.ProtectedOrInternal)
                return true;
        }

        return false;
    }

    private static HashSet<string> Banned(Project project) =>
    [
        .. new[] { "BannedSymbols.txt", $"{project.Folder}/BannedSymbols.txt" }.Where(Tree.Exists)
            .SelectMany(file => Repository.Read(file).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Select(line => line.Split(';')[0]),
    ];

    /// <summary>The documentation ids of a symbol and of the type it is a member of.</summary>
    private static IEnumerable<string> Ids(ISymbol symbol)
    {
        for (var named = symbol; named is not null and not INamespaceSymbol; named = named.ContainingType)
        {
            if (named.GetDocumentationCommentId() is { } id)
                yield return id;
        }
    }
}
