using System.Text.RegularExpressions;

namespace ActorStreams.Tests.Telemetry;

/// <summary>What <c>/metrics</c> told once: Prometheus' text form, read as simply as it is written.</summary>
internal sealed partial class Scrape
{
    /// <summary>The exporter tells the same for so long.</summary>
    private static readonly TimeSpan CachedFor = TimeSpan.FromMilliseconds(300);

    private readonly List<Sample> _samples = [];

    private Scrape(string text)
    {
        Text = text;
        foreach (var line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var match = SampleLine().Match(line);
            Assert.True(match.Success, $"This is no sample: {line}");
            var labels = LabelPair().Matches(match.Groups["labels"].Value)
                .ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value);
            _samples.Add(new(match.Groups["name"].Value, labels, double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture)));
        }
    }

    internal string Text { get; }

    /// <summary>The names of all metrics of our meter, without what a histogram or a counter adds to them.</summary>
    internal IEnumerable<string> OurNames => _samples.Where(sample => sample.Labels.GetValueOrDefault("otel_scope_name") == "ActorStreams")
        .Select(sample => HistogramPart().Replace(sample.Name, "")).Distinct();

    internal static async Task<Scrape> OfAsync(Uri silo)
    {
        await Task.Delay(CachedFor);
        using var http = new HttpClient();
        return new(await http.GetStringAsync(new Uri(silo, "metrics")));
    }

    /// <summary>The sum over the series that have these labels.</summary>
    internal double Sum(string name, params IEnumerable<(string Name, string Value)> labels) =>
        Series(name, labels).Sum(sample => sample.Value);

    internal double Max(string name, params IEnumerable<(string Name, string Value)> labels) =>
        Series(name, labels).Max(sample => sample.Value);

    internal int Count(string name, params IEnumerable<(string Name, string Value)> labels) => Series(name, labels).Count;

    internal bool Has(string name) => _samples.Exists(sample => sample.Name == name);

    private List<Sample> Series(string name, IEnumerable<(string Name, string Value)> labels)
    {
        var series = _samples.Where(sample => sample.Name == name
            && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).ToList();
        var all = Text.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal));
        Assert.True(series.Count > 0, $"There is no {name} with {string.Join(", ", labels)} among:\n{string.Join('\n', all)}");
        return series;
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?$""")]
    private static partial Regex SampleLine();

    [GeneratedRegex("(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=\"(?<value>(\\\\.|[^\"\\\\])*)\"")]
    private static partial Regex LabelPair();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();

    private sealed record Sample(string Name, Dictionary<string, string> Labels, double Value);
}
