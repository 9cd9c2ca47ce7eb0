using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ActorStreams.Tests.Security;

/// <summary>The page on security names the test that proves each row, and what comes into the build.</summary>
public sealed partial class ThreatTableTests
{
    private const int Threats = 15;

    [Fact]
    public void Every_threat_of_the_page_names_a_test_that_exists()
    {
        var tests = typeof(ThreatTableTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes(typeof(FactAttribute), true).Length > 0)
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").ToHashSet();
        var rows = File.ReadAllLines(Repository.File("docs/operate/security.md")).Select(line => Row().Match(line))
            .Where(match => match.Success).ToList();
        Assert.Equal(Enumerable.Range(1, Threats), rows.Select(row => int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture)));
        foreach (var row in rows)
        {
            var named = Name().Matches(row.Value.Split('|')[4]).Select(match => match.Groups[1].Value).ToList();
            Assert.True(named.Count > 0, $"Threat {row.Groups[1].Value} names no test.");
            Assert.All(named, name => Assert.True(tests.Contains(name), $"Threat {row.Groups[1].Value} names '{name}', which is no test."));
        }
    }

    [Fact]
    public void Every_package_has_one_version_which_is_written_down()
    {
        var versions = XDocument.Load(Repository.File("Directory.Packages.props")).Descendants("PackageVersion").ToList();
        Assert.Equal(
            versions.Count,
            versions.Select(version => (string)version.Attribute("Include")!).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(versions, version => Assert.Matches(@"^\d+(\.\d+)+(-[a-z0-9.]+)?$", (string)version.Attribute("Version")!));
        foreach (var project in Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories))
            Assert.All(XDocument.Load(project).Descendants("PackageReference"), reference => Assert.Null(reference.Attribute("Version")
                ?? reference.Attribute("VersionOverride")));
    }

    [GeneratedRegex(@"^\| (\d+) \|.*")]
    private static partial Regex Row();

    [GeneratedRegex("`(\\w+\\.\\w+)`")]
    private static partial Regex Name();
}
