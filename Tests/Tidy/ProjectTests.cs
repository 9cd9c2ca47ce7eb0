using System.Xml.Linq;

namespace ActorStreams.Tests.Tidy;

/// <summary>The arrows between projects, as ARCHITECTURE.md draws them.</summary>
public sealed class ProjectTests
{
    // From a room to those that its projects may reference. MSBuild itself refuses a circle between projects.
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Core"] = [],
        ["Testing"] = ["Core"],
        ["Partitions"] = ["Core"],
        ["Kafka"] = ["Core"],
        ["Storage"] = ["Core"],
        ["Protocol"] = ["Core"],
        ["Grains.Interfaces"] = ["Core"],
        ["Grains"] = ["Core", "Partitions", "Grains.Interfaces", "Protocol"],
        ["Hosting"] = ["Core", "Partitions", "Grains.Interfaces", "Grains", "Kafka", "Storage", "Protocol"],
        ["Silo"] = ["Hosting", "samples"],
        ["Client"] = ["Core", "Protocol"],
        ["Client.Orleans"] = ["Core", "Protocol", "Client", "Grains.Interfaces"],
        ["Cli"] = ["Core", "Protocol", "Client"],
        ["samples"] = ["Core"],
    };

    [Fact]
    public void A_project_references_only_what_its_arrows_lead_to() => Ratchet.Check(
        "arrows", [.. Project.Product.SelectMany(project => project.References
            .Where(reference => reference != project.Room && !Arrows[project.Room].Contains(reference))
            .Select(reference => $"{project.File} references {reference}"))]);

    [Fact]
    public void A_neighbour_that_sees_internals_is_named_with_a_reason() => Ratchet.Check(
        "friends-without-reason", [.. Project.Product.SelectMany(project => project.Xml.Descendants("InternalsVisibleTo")
            .Where(friend => !IsTest(friend) && !HasReason(friend))
            .Select(friend => $"{project.File} shows its internals to {friend.Attribute("Include")!.Value}"))]);

    private static bool IsTest(XElement friend) => friend.Attribute("Include")!.Value is "ActorStreams.Tests" or "ActorStreams.Benchmarks";

    /// <summary>A comment immediately before the element.</summary>
    private static bool HasReason(XElement friend)
    {
        var before = friend.NodesBeforeSelf().LastOrDefault(node => node is not XText);
        return before is XComment;
    }
}
