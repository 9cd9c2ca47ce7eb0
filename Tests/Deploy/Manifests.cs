using k8s;
using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>What a kustomization renders to, decoded strictly: an unknown field, a wrong type or a wrong quantity fails.</summary>
internal sealed class Manifests
{
    private static readonly Dictionary<string, Task<Manifests>> Rendered = [];

    private Manifests(string name, string text)
    {
        Name = name;
        Objects = [.. KubernetesYaml.LoadAllFromString(text, CustomResources.Types, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()];
    }

    /// <summary>All that an operator applies, in the order of docs/operate/kubernetes.md.</summary>
    internal static IReadOnlyList<string> All { get; } =
    [
        "overlays/dev", "overlays/dev/smoke-test",
        "overlays/production/migration", "overlays/production", "overlays/production/smoke-test", "overlays/production/rebuild",
        "overlays/autoscale",
    ];

    internal string Name { get; }

    internal IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects { get; }

    internal V1Deployment Deployment => One<V1Deployment>();

    internal V1PodSpec Silo => Deployment.Spec.Template.Spec;

    internal V1Container SiloContainer => Assert.Single(Silo.Containers);

    /// <summary>Every pod that it makes, with its labels.</summary>
    internal IEnumerable<V1PodTemplateSpec> Pods =>
        Of<V1Deployment>().Select(one => one.Spec.Template).Concat(Of<V1Job>().Select(one => one.Spec.Template));

    internal static Task<Manifests> OfAsync(string name)
    {
        lock (Rendered)
            return Rendered.TryGetValue(name, out var known) ? known : Rendered[name] = RenderAsync(name);
    }

    internal IEnumerable<T> Of<T>() => Objects.OfType<T>();

    internal T One<T>() => Assert.Single(Of<T>());

    /// <summary>The environment of a container, without values that the pod's own fields give.</summary>
    internal static IReadOnlyDictionary<string, string> EnvironmentOf(V1Container container) =>
        (container.Env ?? []).ToDictionary(
            variable => variable.Name, variable => variable.Value ?? $"({variable.ValueFrom?.FieldRef?.FieldPath})");

    private static async Task<Manifests> RenderAsync(string name) =>
        new(name, await Tool.RunAsync("kubectl", "kustomize", Repository.File($"deploy/k8s/{name}")));
}
