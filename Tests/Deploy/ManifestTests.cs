using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>What every overlay and job must hold, whatever it is for.</summary>
public sealed class ManifestTests
{
    public static TheoryData<string> All => [.. Manifests.All];

    public static TheoryData<string> Silos => ["overlays/dev", "overlays/production", "overlays/autoscale"];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_object_decodes_strictly_and_is_of_one_namespace(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        Assert.NotEmpty(manifests.Objects);
        Assert.All(manifests.Objects, one => Assert.Equal("actorstreams", one.Metadata.NamespaceProperty));
        Assert.DoesNotContain(
            manifests.Objects,
            one => one.Kind is "Namespace" or "ClusterRole" or "ClusterRoleBinding" or "Role" or "RoleBinding" or "CustomResourceDefinition"
                or "Secret");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_pod_meets_the_restricted_standard_and_has_no_token(string name)
    {
        foreach (var pod in (await Manifests.OfAsync(name)).Pods.Select(pod => pod.Spec))
        {
            Assert.False(pod.AutomountServiceAccountToken);
            Assert.True(pod.SecurityContext is
            {
                RunAsNonRoot: true, RunAsUser: 10001, RunAsGroup: 10001, FsGroup: 10001, SeccompProfile.Type: "RuntimeDefault",
            });
            Assert.Null(pod.HostNetwork ?? pod.HostPID ?? pod.HostIPC);
            Assert.All(pod.Volumes ?? [], volume => Assert.True(volume.EmptyDir is not null || volume.ConfigMap is not null
                || volume.Secret is not null || volume.PersistentVolumeClaim is not null
                || volume.Projected?.Sources.All(source => source.Secret is not null) == true));
            foreach (var container in pod.Containers.Concat(pod.InitContainers ?? []))
            {
                Assert.True(container.SecurityContext is
                {
                    AllowPrivilegeEscalation: false, ReadOnlyRootFilesystem: true, Privileged: null, Capabilities.Add: null,
                });
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.All(container.Ports ?? [], port => Assert.Null(port.HostPort));
            }
        }
    }

    [Fact]
    public async Task The_namespace_asks_for_the_restricted_standard()
    {
        var space = k8s.KubernetesYaml.Deserialize<V1Namespace>(Repository.Read("deploy/k8s/namespace.yaml"), strict: true);
        Assert.Equal((await Manifests.OfAsync("overlays/production")).Deployment.Metadata.NamespaceProperty, space.Metadata.Name);
        Assert.All(
            ["enforce", "warn", "audit"], mode => Assert.Equal("restricted", space.Metadata.Labels[$"pod-security.kubernetes.io/{mode}"]));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Memory_is_limited_to_what_is_asked_for_and_cpu_is_not_limited(string name)
    {
        foreach (var container in (await Manifests.OfAsync(name)).Pods
            .SelectMany(pod => pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? [])))
        {
            Assert.Equal(container.Resources.Requests["memory"], container.Resources.Limits["memory"]);
            Assert.Contains("cpu", container.Resources.Requests.Keys);
            Assert.DoesNotContain("cpu", container.Resources.Limits.Keys);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_volume_is_mounted_and_every_mount_has_its_volume(string name)
    {
        foreach (var pod in (await Manifests.OfAsync(name)).Pods.Select(pod => pod.Spec))
        {
            var mounts = pod.Containers.Concat(pod.InitContainers ?? []).SelectMany(container => container.VolumeMounts ?? []).ToList();
            Assert.Equal((pod.Volumes ?? []).Select(volume => volume.Name).Order(), mounts.Select(mount => mount.Name).Distinct().Order());
            // A file mounted by itself would not change when its Secret does.
            Assert.All(mounts, mount => Assert.Null(mount.SubPath ?? mount.SubPathExpr));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Config_maps_that_pods_name_are_there(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var named = manifests.Pods.SelectMany(pod => pod.Spec.Volumes ?? []).Select(volume => volume.ConfigMap?.Name).OfType<string>();
        Assert.Subset(manifests.Of<V1ConfigMap>().Select(one => one.Metadata.Name).ToHashSet(), named.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Secrets_come_as_files_that_their_group_alone_may_read(string name)
    {
        foreach (var pod in (await Manifests.OfAsync(name)).Pods.Select(pod => pod.Spec))
        {
            Assert.All((pod.Volumes ?? []).Where(volume => volume.Secret is not null || volume.Projected is not null), volume =>
                Assert.Equal(Convert.ToInt32("440", 8), volume.Secret?.DefaultMode ?? volume.Projected.DefaultMode));
            foreach (var container in pod.Containers.Concat(pod.InitContainers ?? []))
            {
                Assert.All(container.Env ?? [], variable => Assert.Null(variable.ValueFrom?.SecretKeyRef));
                Assert.Null(container.EnvFrom);
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_variable_that_others_are_made_of_comes_before_them(string name)
    {
        foreach (var container in (await Manifests.OfAsync(name)).Pods.SelectMany(pod => pod.Spec.Containers))
        {
            var known = new HashSet<string>();
            foreach (var variable in container.Env ?? [])
            {
                if (variable.Value is { } value && value.StartsWith("$(", StringComparison.Ordinal))
                    Assert.Contains(value[2..^1], known);
                Assert.True(known.Add(variable.Name), $"{variable.Name} is given twice.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Nothing_reaches_a_pod_or_leaves_it_but_through_a_hole(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var policies = manifests.Of<V1NetworkPolicy>().ToList();
        var deny = Assert.Single(policies, policy => policy.Metadata.Name == "actorstreams-deny");
        Assert.True(deny.Spec is { Ingress: null, Egress: null });
        Assert.Equal(["Ingress", "Egress"], deny.Spec.PolicyTypes);
        foreach (var pod in await PodsOfAllAsync())
            Assert.Subset(pod.Metadata.Labels.ToHashSet(), deny.Spec.PodSelector.MatchLabels.ToHashSet());
        var ports = manifests.SiloContainer.Ports.ToDictionary(
            port => port.Name, port => port.ContainerPort.ToString(CultureInfo.InvariantCulture));
        var holes = policies.SelectMany(policy => (policy.Spec.Ingress
            ?? []).SelectMany(rule => rule.Ports.Select(port => (port.Port.Value, From: rule.FromProperty.Count)))).ToList();
        Assert.Equal(
            [ports["silo"], ports["api"], ports["operations"]],
            holes.Select(hole => hole.Value).OrderBy(port => port == ports["silo"] ? 0 : port == ports["api"] ? 1 : 2));
        Assert.All(holes, hole => Assert.NotEqual(0, hole.From));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_way_out_names_ports_and_peers(string name)
    {
        var policies = (await Manifests.OfAsync(name)).Of<V1NetworkPolicy>();
        Assert.All(policies.SelectMany(policy => policy.Spec.Egress ?? []), rule =>
        {
            Assert.NotEmpty(rule.Ports);
            Assert.NotEmpty(rule.To);
            Assert.All(rule.To, peer => Assert.True(peer.IpBlock is { Cidr: not "0.0.0.0/0" } || peer.PodSelector?.MatchLabels.Count > 0
                || peer.NamespaceSelector?.MatchLabels.Count > 0, "Everything is no peer."));
        });
    }

    [Theory]
    [InlineData("overlays/production")]
    [InlineData("overlays/production/migration")]
    [InlineData("overlays/production/rebuild")]
    public async Task A_pod_may_reach_what_it_has_the_password_of_and_no_more(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var pod = Assert.Single(manifests.Pods);
        foreach (var (what, port) in new[] { ("kafka", "9093"), ("postgres", "5432") })
        {
            var works = pod.Spec.Containers.Single().VolumeMounts.Any(mount => mount.MountPath == $"/etc/actorstreams/{what}");
            Assert.Equal(works, pod.Metadata.Labels.Contains(new($"actorstreams/uses-{what}", "true")));
            var policy = manifests.Of<V1NetworkPolicy>().Single(one => one.Metadata.Name == $"actorstreams-{what}");
            Assert.Equal("true", policy.Spec.PodSelector.MatchLabels[$"actorstreams/uses-{what}"]);
            Assert.Equal(port, Assert.Single(Assert.Single(policy.Spec.Egress).Ports).Port.Value);
        }
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Names_are_found_in_the_cluster_on_the_node_and_on_OpenShift(string name)
    {
        var names = (await Manifests.OfAsync(name)).Of<V1NetworkPolicy>().Single(one => one.Metadata.Name == "actorstreams-names");
        var ways = names.Spec.Egress.SelectMany(rule => rule.To.SelectMany(peer => rule.Ports.Select(port =>
            $"{NameOf(peer)} {port.Protocol} {port.Port.Value}")));
        Assert.Equal(
            new[] { "169.254.20.10/32", "169.254.25.10/32", "kube-system" }.SelectMany(peer => new[] { $"{peer} TCP 53", $"{peer} UDP 53" })
                .Concat(["openshift-dns TCP 5353", "openshift-dns UDP 5353"]),
            ways.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Jobs_end_and_are_forgotten_and_are_tried_again_only_so_often()
    {
        foreach (var job in (await Task.WhenAll(Manifests.All.Select(Manifests.OfAsync))).SelectMany(manifests => manifests.Of<V1Job>()))
            Assert.True(job.Spec is { ActiveDeadlineSeconds: > 0 and <= 1800, BackoffLimit: > 0 and <= 6, TtlSecondsAfterFinished: > 0 });
    }

    private static string NameOf(V1NetworkPolicyPeer peer) =>
        peer.IpBlock?.Cidr ?? peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"];

    private static async Task<IEnumerable<V1PodTemplateSpec>> PodsOfAllAsync() =>
        (await Task.WhenAll(Manifests.All.Select(Manifests.OfAsync))).SelectMany(manifests => manifests.Pods);
}
