using System.Reflection;
using ActorStreams.Definitions;
using Microsoft.Extensions.DependencyModel;

namespace ActorStreams.Silo;

/// <summary>Finds the definitions of all assemblies that the program was built with: every public <see cref="IDefinitions"/>.</summary>
internal static class DefinitionFinder
{
    private static readonly string Core = typeof(IDefinitions).Assembly.GetName().Name!;

    internal static void AddAll(TopologyBuilder topology)
    {
        var libraries = DependencyContext.Default?.RuntimeLibraries ?? [];
        foreach (var library in libraries.Where(library => library.Dependencies.Any(dependency => dependency.Name == Core))
            .OrderBy(library => library.Name, StringComparer.Ordinal))
        {
            foreach (var type in Assembly.Load(library.Name).GetExportedTypes()
                .Where(type => type.IsAssignableTo(typeof(IDefinitions)) && type is { IsInterface: false, IsAbstract: false }))
                Add.MakeGenericMethod(type).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [topology], null);
        }
    }

    private static MethodInfo Add { get; } = typeof(DefinitionFinder).GetMethod(
        nameof(AddOne), BindingFlags.Static | BindingFlags.NonPublic)!;

    private static void AddOne<T>(TopologyBuilder topology)
        where T : IDefinitions => T.AddTo(topology);
}
