using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>The silos' Deployment: the points of docs/operate/kubernetes.md, on the objects.</summary>
public sealed class SiloManifestTests
{
    public static TheoryData<string> Silos => ManifestTests.Silos;

    [Fact]
    public async Task Production_has_three_silos_and_the_autoscaler_says_how_many_elsewhere()
    {
        Assert.Equal(3, (await Manifests.OfAsync("overlays/production")).Deployment.Spec.Replicas);
        Assert.Equal(1, (await Manifests.OfAsync("overlays/dev")).Deployment.Spec.Replicas);
        var autoscale = await Manifests.OfAsync("overlays/autoscale");
        Assert.Null(autoscale.Deployment.Spec.Replicas);
        var scaled = autoscale.One<ScaledObject>().Spec;
        Assert.Equal(autoscale.Deployment.Metadata.Name, scaled.ScaleTargetRef.Name);
        Assert.True(scaled.MinReplicaCount >= 3 && scaled.MaxReplicaCount > scaled.MinReplicaCount);
        var query = Assert.Single(scaled.Triggers, trigger => trigger.Type == "prometheus").Metadata["query"];
        Assert.Contains("actorstreams_consumer_lag", query, StringComparison.Ordinal);
        Assert.Empty(Expressions.MetricsOf(query).Except(MetricNames.Own));
        Assert.True(scaled.Advanced!.HorizontalPodAutoscalerConfig.Behavior.ScaleDown is { StabilizationWindowSeconds: >= 600 });
    }

    [Theory]
    [InlineData("overlays/production")]
    [InlineData("overlays/autoscale")]
    public async Task A_new_silo_is_ready_and_has_stayed_so_before_an_old_one_goes(string name)
    {
        var spec = (await Manifests.OfAsync(name)).Deployment.Spec;
        Assert.Equal("RollingUpdate", spec.Strategy.Type);
        Assert.Equal(("0", "1"), (spec.Strategy.RollingUpdate.MaxUnavailable.Value, spec.Strategy.RollingUpdate.MaxSurge.Value));
        Assert.True(spec.MinReadySeconds >= 30);
        // Longer than a silo may take to start and to stop, or an upgrade that goes well would be called failed.
        Assert.True(spec.ProgressDeadlineSeconds > 300 + spec.Template.Spec.TerminationGracePeriodSeconds);
        Assert.True(spec.RevisionHistoryLimit > 0);
    }

    [Fact]
    public async Task The_volume_of_dev_is_one_silo_s_at_a_time()
    {
        var manifests = await Manifests.OfAsync("overlays/dev");
        Assert.Equal("Recreate", manifests.Deployment.Spec.Strategy.Type);
        Assert.Null(manifests.Deployment.Spec.Strategy.RollingUpdate);
        var claim = manifests.One<V1PersistentVolumeClaim>();
        Assert.Equal(["ReadWriteOnce"], claim.Spec.AccessModes);
        var volume = Assert.Single(manifests.Silo.Volumes, volume => volume.PersistentVolumeClaim?.ClaimName == claim.Metadata.Name);
        var mount = Assert.Single(manifests.SiloContainer.VolumeMounts, mount => mount.Name == volume.Name);
        Assert.Equal(Manifests.EnvironmentOf(manifests.SiloContainer)["Silo__DataDirectory"], mount.MountPath);
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Probes_ask_the_operations_port_and_give_a_start_five_minutes(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var silo = manifests.SiloContainer;
        var scheme = name == "overlays/dev" ? null : "HTTPS";
        foreach (var (probe, path) in new[]
        {
            (silo.StartupProbe, "/health/startup"), (silo.ReadinessProbe, "/health/ready"), (silo.LivenessProbe, "/health/live"),
        })
        {
            Assert.Equal((path, "operations", scheme), (probe.HttpGet.Path, probe.HttpGet.Port.Value, probe.HttpGet.Scheme));
            Assert.True(probe.TimeoutSeconds >= 5);
        }

        Assert.True(silo.StartupProbe.PeriodSeconds * silo.StartupProbe.FailureThreshold >= 300);
        Assert.True(silo.LivenessProbe.PeriodSeconds * silo.LivenessProbe.FailureThreshold >= 60);
        Assert.True(silo.ReadinessProbe.PeriodSeconds * silo.ReadinessProbe.FailureThreshold <= 10);
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task A_stop_has_time_to_drain_and_to_hand_over(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var environment = Manifests.EnvironmentOf(manifests.SiloContainer);
        var (drain, shutdown) = (Seconds("Silo__DrainSeconds"), Seconds("Silo__ShutdownSeconds"));
        Assert.True(drain + 60 <= shutdown, "A hand-over needs time beside the drain.");
        Assert.True(shutdown + 15 <= manifests.Silo.TerminationGracePeriodSeconds, "The kubelet must not kill what is still stopping.");
        if (name != "overlays/dev")
            Assert.True(
                drain >= manifests.SiloContainer.ReadinessProbe.PeriodSeconds * manifests.SiloContainer.ReadinessProbe.FailureThreshold,
                "Requests come until the probes have seen the drain.");

        double Seconds(string variable) => double.Parse(environment[variable], CultureInfo.InvariantCulture);
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task The_budget_counts_the_silos_and_lets_one_go(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var budget = manifests.One<V1PodDisruptionBudget>().Spec;
        Assert.Equal("1", budget.MaxUnavailable.Value);
        Assert.Equal("AlwaysAllow", budget.UnhealthyPodEvictionPolicy);
        Assert.Equal(manifests.Deployment.Spec.Selector.MatchLabels, budget.Selector.MatchLabels);
        Assert.Subset(manifests.Deployment.Spec.Template.Metadata.Labels.ToHashSet(), budget.Selector.MatchLabels.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Silos_are_spread_over_nodes_and_as_far_as_can_be_over_zones(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var spread = manifests.Silo.TopologySpreadConstraints.ToDictionary(one => one.TopologyKey);
        Assert.Equal("ScheduleAnyway", spread["topology.kubernetes.io/zone"].WhenUnsatisfiable);
        Assert.True(spread["kubernetes.io/hostname"] is { WhenUnsatisfiable: "DoNotSchedule", NodeTaintsPolicy: "Honor" });
        Assert.Equal(["pod-template-hash"], spread["kubernetes.io/hostname"].MatchLabelKeys);
        Assert.All(spread.Values, one => Assert.Equal(manifests.Deployment.Spec.Selector.MatchLabels, one.LabelSelector.MatchLabels));
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task The_service_is_the_api_alone_and_leads_to_the_silos(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var service = manifests.One<V1Service>().Spec;
        Assert.Equal(manifests.Deployment.Spec.Selector.MatchLabels, service.Selector);
        var port = Assert.Single(service.Ports);
        Assert.Equal(("api", 8080), (port.TargetPort.Value, port.Port));
    }

    [Theory]
    [InlineData("overlays/production")]
    [InlineData("overlays/production/migration")]
    [InlineData("overlays/production/rebuild")]
    [InlineData("overlays/production/smoke-test")]
    [InlineData("overlays/autoscale")]
    public async Task The_image_of_production_is_named_by_its_digest(string name) =>
        Assert.All(
            (await Manifests.OfAsync(name)).Pods.SelectMany(pod => pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? [])),
            container => Assert.Matches("^[^@:]+@sha256:[0-9a-f]{64}$", container.Image));

    [Theory]
    [InlineData("overlays/production")]
    [InlineData("overlays/autoscale")]
    public async Task Monitoring_takes_the_metrics_of_every_silo_over_tls_with_a_token(string name)
    {
        var manifests = await Manifests.OfAsync(name);
        var monitor = manifests.One<PodMonitor>().Spec;
        Assert.Equal(manifests.Deployment.Spec.Selector.MatchLabels, monitor.Selector.MatchLabels);
        var endpoint = Assert.Single(monitor.PodMetricsEndpoints);
        Assert.Equal(("operations", "/metrics", "https"), (endpoint.Port, endpoint.Path, endpoint.Scheme));
        Assert.NotEmpty(endpoint.Authorization!.Credentials.Name);
        Assert.NotEmpty(endpoint.TlsConfig!.Ca.Secret.Name);
        Assert.Equal(
            2, manifests.Of<V1ConfigMap>().Single(map => map.Metadata.Labels?.ContainsKey("grafana_dashboard") == true).Data.Count);
        Assert.NotEmpty(manifests.One<PrometheusRule>().Spec.Groups);
    }
}
