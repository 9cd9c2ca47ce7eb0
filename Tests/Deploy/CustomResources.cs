using k8s;
using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// Objects of others' definitions, as far as we use them: what is not here is a mistake in ours, or to be looked up and added.
/// </summary>
internal static class CustomResources
{
    internal static Dictionary<string, Type> Types => new()
    {
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(PodMonitor),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(PrometheusRule),
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(ScaledObject),
        ["kafka.strimzi.io/v1/KafkaTopic"] = typeof(KafkaTopic),
        ["kafka.strimzi.io/v1/KafkaUser"] = typeof(KafkaUser),
    };
}

public abstract class CustomResource<TSpec> : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public TSpec Spec { get; set; } = default!;
}

public sealed class PodMonitor : CustomResource<PodMonitorSpec>;

public sealed class PodMonitorSpec
{
    public V1LabelSelector Selector { get; set; } = new();

    public List<PodMetricsEndpoint> PodMetricsEndpoints { get; set; } = [];
}

public sealed class PodMetricsEndpoint
{
    public string Port { get; set; } = "";

    public string Path { get; set; } = "";

    public string Interval { get; set; } = "";

    public string? Scheme { get; set; }

    public PodMetricsTls? TlsConfig { get; set; }

    public PodMetricsAuthorization? Authorization { get; set; }
}

public sealed class PodMetricsTls
{
    public string ServerName { get; set; } = "";

    public PodMetricsCa Ca { get; set; } = new();
}

public sealed class PodMetricsCa
{
    public V1SecretKeySelector Secret { get; set; } = new();
}

public sealed class PodMetricsAuthorization
{
    public V1SecretKeySelector Credentials { get; set; } = new();
}

public sealed class PrometheusRule : CustomResource<RuleFile>;

public sealed class RuleFile
{
    public List<RuleGroup> Groups { get; set; } = [];
}

public sealed class RuleGroup
{
    public string Name { get; set; } = "";

    public List<AlertRule> Rules { get; set; } = [];
}

public sealed class AlertRule
{
    public string Alert { get; set; } = "";

    public string Expr { get; set; } = "";

    public string? For { get; set; }

    public Dictionary<string, string> Labels { get; set; } = [];

    public Dictionary<string, string> Annotations { get; set; } = [];
}

public sealed class ScaledObject : CustomResource<ScaledObjectSpec>;

public sealed class ScaledObjectSpec
{
    public ScaleTarget ScaleTargetRef { get; set; } = new();

    public int MinReplicaCount { get; set; }

    public int MaxReplicaCount { get; set; }

    public int PollingInterval { get; set; }

    public ScaleFallback? Fallback { get; set; }

    public List<ScaleTrigger> Triggers { get; set; } = [];

    public ScaleAdvanced? Advanced { get; set; }
}

public sealed class ScaleTarget
{
    public string Name { get; set; } = "";
}

public sealed class ScaleFallback
{
    public int FailureThreshold { get; set; }

    public int Replicas { get; set; }
}

public sealed class ScaleTrigger
{
    public string Type { get; set; } = "";

    public Dictionary<string, string> Metadata { get; set; } = [];
}

public sealed class ScaleAdvanced
{
    public ScaleBehavior HorizontalPodAutoscalerConfig { get; set; } = new();
}

public sealed class ScaleBehavior
{
    public V2HorizontalPodAutoscalerBehavior Behavior { get; set; } = new();
}
