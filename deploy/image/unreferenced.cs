// Lists the framework's libraries in a self-contained publish that nothing there references: dotnet run unreferenced.cs -- DIRECTORY
// What is no part of the framework stays, since it may be loaded by its name.
#:property PublishAot=false
#:property GenerateDocumentationFile=false
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json.Nodes;

var directory = args[0];
var framework = Directory.GetFiles(directory, "*.deps.json").SelectMany(OfTheFramework).ToHashSet(StringComparer.Ordinal);
var references = Directory.GetFiles(directory, "*.dll").ToDictionary(file => Path.GetFileName(file), ReferencesOf, StringComparer.Ordinal);
var needed = new HashSet<string>(StringComparer.Ordinal);
var waiting = new Queue<string>(references.Keys.Where(name => !framework.Contains(name)).Append("System.Private.CoreLib.dll"));
while (waiting.TryDequeue(out var name))
{
    if (!references.TryGetValue(name, out var referenced) || !needed.Add(name))
        continue;
    foreach (var next in referenced)
        waiting.Enqueue(next);
}

foreach (var name in references.Keys.Where(name => !needed.Contains(name)).Order(StringComparer.Ordinal))
    Console.WriteLine(name);

// The assets of the runtime packs, as the publish has written them down.
static IEnumerable<string> OfTheFramework(string file) =>
    JsonNode.Parse(File.ReadAllText(file))!["targets"]!.AsObject().SelectMany(target => target.Value!.AsObject())
        .Where(library => library.Key.StartsWith("runtimepack.", StringComparison.Ordinal))
        .SelectMany(library => library.Value!["runtime"]?.AsObject().Select(asset => Path.GetFileName(asset.Key)) ?? []);

static List<string> ReferencesOf(string file)
{
    using var stream = File.OpenRead(file);
    using var image = new PEReader(stream);
    if (!image.HasMetadata)
        return [];
    var metadata = image.GetMetadataReader();
    return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name) + ".dll")];
}
