using System.Text.Json.Nodes;
using k8s;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace ActorStreams.Tests.Deploy;

/// <summary>Alerts and dashboards speak of metrics that there are.</summary>
public sealed class MonitoringTests
{
    private const string Rules = "deploy/monitoring/rules.yaml";
    private static readonly string[] Dashboards = ["overview", "partitions"];

    [Fact]
    public async Task The_rules_are_well_formed() => await Tool.RunAsync("promtool", "check", "rules", Repository.File(Rules));

    [Fact]
    public async Task Each_alert_fires_where_it_should_and_not_elsewhere()
    {
        await Tool.RunAsync("promtool", "test", "rules", Repository.File("deploy/monitoring/rules.test.yaml"));
        var tests = Decode<TestFile>("deploy/monitoring/rules.test.yaml").Tests;
        foreach (var alert in Alerts())
        {
            var cases = tests.SelectMany(test => test.AlertRuleTest).Where(one => one.Alertname == alert.Alert).ToList();
            Assert.True(
                cases.Exists(one => one.ExpAlerts.Count > 0) && cases.Exists(one => one.ExpAlerts.Count == 0),
                $"{alert.Alert} is not tested both ways.");
        }
    }

    [Fact]
    public void The_object_for_the_Prometheus_operator_is_made_of_the_rules()
    {
        var made = KubernetesYaml.Deserialize<PrometheusRule>(Repository.Read("deploy/monitoring/prometheusrule.yaml"), strict: true);
        Assert.Equivalent(Decode<RuleFile>(Rules), made.Spec, strict: true);
    }

    [Fact]
    public void Rules_name_metrics_and_labels_that_there_are()
    {
        foreach (var alert in Alerts())
            Check(alert.Expr, alert.Alert);
    }

    [Fact]
    public void Each_alert_says_how_grave_it_is_and_has_its_page()
    {
        var page = Repository.Read("docs/operate/operations.md");
        foreach (var alert in Alerts())
        {
            Assert.Contains(alert.Labels["severity"], new[] { "critical", "warning" });
            Assert.Equal($"docs/operate/operations.md#{alert.Alert.ToLowerInvariant()}", alert.Annotations["runbook"]);
            Assert.Contains($"\n### {alert.Alert}\n", page, StringComparison.Ordinal);
            Assert.NotEmpty(alert.Annotations["summary"]);
        }
    }

    [Fact]
    public void Dashboards_name_metrics_and_labels_that_there_are_and_show_all_twenty()
    {
        var shown = new HashSet<string>();
        foreach (var name in Dashboards)
        {
            var board = JsonNode.Parse(Repository.Read($"deploy/monitoring/dashboards/{name}.json"))!;
            Assert.Equal($"actorstreams-{name}", (string)board["uid"]!);
            var panels = board["panels"]!.AsArray().Where(panel => (string)panel!["type"]! != "row").ToList();
            Assert.All(panels, panel => Assert.NotEmpty((string)panel!["title"]!));
            Assert.Distinct(board["panels"]!.AsArray().Select(panel => (int)panel!["id"]!));
            foreach (var query in panels.SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => (string)target!["expr"]!))
            {
                Check(query, name);
                shown.UnionWith(Expressions.MetricsOf(query));
            }
        }

        Assert.All(MetricNames.Documented.Take(20), metric =>
            Assert.True(
                shown.Any(name => name.StartsWith(metric.Name.Replace('.', '_'), StringComparison.Ordinal)),
                $"No dashboard shows {metric.Name}."));
    }

    [Fact]
    public void The_page_on_metrics_tells_of_each()
    {
        Assert.SkipUnless(File.Exists(Repository.File("docs/reference/metrics.md")), "There is no docs/reference/metrics.md yet.");
        var page = Repository.Read("docs/reference/metrics.md");
        Assert.All(MetricNames.Documented, metric => Assert.Contains(
            $"`{metric.Name}` | `{MetricNames.InPrometheus(metric)}`", page, StringComparison.Ordinal));
    }

    private static void Check(string query, string where)
    {
        var metrics = Expressions.MetricsOf(query);
        Assert.NotEmpty(metrics);
        Assert.True(
            metrics.All(name => MetricNames.Own.Contains(name) || MetricNames.Others.Contains(name)),
            $"{where}: {string.Join(", ", metrics)}");
        var labels = Expressions.LabelsOf(query);
        Assert.True(labels.IsSubsetOf(MetricNames.Labels), $"{where}: {string.Join(", ", labels)}");
    }

    private static IEnumerable<AlertRule> Alerts() => Decode<RuleFile>(Rules).Groups.SelectMany(group => group.Rules);

    private static T Decode<T>(string path) =>
        new DeserializerBuilder().WithNamingConvention(typeof(T) == typeof(TestFile) ? UnderscoredNamingConvention.Instance
            : CamelCaseNamingConvention.Instance).IgnoreUnmatchedProperties().Build().Deserialize<T>(Repository.Read(path));

    public sealed class TestFile
    {
        public List<RuleTest> Tests { get; set; } = [];
    }

    public sealed class RuleTest
    {
        public List<AlertTest> AlertRuleTest { get; set; } = [];
    }

    public sealed class AlertTest
    {
        public string Alertname { get; set; } = "";

        public List<object> ExpAlerts { get; set; } = [];
    }
}
