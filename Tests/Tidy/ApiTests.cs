using System.Reflection;
using PublicApiGenerator;

namespace ActorStreams.Tests.Tidy;

/// <summary>What others build on is written down, so that a change of it shows in its review. <c>ACCEPT=1</c> writes it anew.</summary>
public sealed class ApiTests
{
    private const string Folder = "Tests/Tidy/Api";

    private static readonly ApiGeneratorOptions Options = new()
    {
        IncludeAssemblyAttributes = false,
        DenyNamespacePrefixes = ["System", "Microsoft", "OrleansCodeGen"],
        ExcludeAttributes = ["System.CodeDom.Compiler.GeneratedCodeAttribute", "System.Text.RegularExpressions.GeneratedRegexAttribute"],
    };

    public static TheoryData<string> Libraries =>
    [
        "ActorStreams.Core", "ActorStreams.Testing", "ActorStreams.Grains.Interfaces", "ActorStreams.Client", "ActorStreams.Client.Orleans",
        "ActorStreams.Hosting",
    ];

    [Theory, MemberData(nameof(Libraries))]
    public void The_public_API_is_the_one_written_down(string library) =>
        Compare($"{library}.txt", Assembly.Load(library).GeneratePublicApi(Options));

    [Fact]
    public void The_contracts_of_grains_are_those_written_down() =>
        Compare("contracts.txt", GrainContracts.Show(Assembly.Load("ActorStreams.Grains.Interfaces")));

    [Fact]
    public void The_names_on_the_wire_are_those_written_down() =>
        Compare("wire.txt", WireNames.Show(Assembly.Load("ActorStreams.Protocol")));

    private static void Compare(string file, string actual)
    {
        var path = $"{Folder}/{file}";
        actual = $"{actual.ReplaceLineEndings("\n").Trim()}\n";
        if (Ratchet.Accepts)
            File.WriteAllText(Repository.File(path), actual);
        var expected = Tree.Exists(path) ? Repository.Read(path).ReplaceLineEndings("\n") : "";
        if (expected == actual)
            return;
        var (before, after) = (expected.Split('\n'), actual.Split('\n'));
        Assert.Fail($"{path} differs. Run this test with ACCEPT=1 where that is meant, and commit the file.\n"
            + string.Join(
                '\n', before.Except(after).Select(line => $"- {line}").Concat(after.Except(before).Select(line => $"+ {line}")).Take(40)));
    }
}
