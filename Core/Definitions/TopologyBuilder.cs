using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Json;

namespace ActorStreams.Definitions;

/// <summary>Collects definitions; <see cref="Build"/> checks them together and gives the topology.</summary>
public sealed class TopologyBuilder
{
    private readonly List<Func<Dataset>> _definitions = [];
    private readonly Dictionary<Dataset, DatasetOptions> _options = [];

    /// <summary>
    /// The application's name, which begins the names of all topics that belong to it. Letters, digits, '.', '_' and '-'.
    /// </summary>
    public string Application { get; set; } = "actorstreams";

    /// <summary>Partitions of a dataset that does not say how many it wants.</summary>
    public int DefaultPartitions { get; set; } = 4;

    /// <summary>
    /// How values and states are read and written: camelCase names, and strict, so that a missing member of a record that needs it is an
    /// error and not a silent default. Of values, not of states, null is as strict: a state must have a stored form whatever a fold made of
    /// it. Decimals are written without trailing zeros, so that equal values have equal stored forms. A source-generated context goes into
    /// <see cref="JsonSerializerOptions.TypeInfoResolverChain"/>.
    /// </summary>
    public JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DictionaryKeyPolicy = null,
        RespectRequiredConstructorParameters = true,
        AllowOutOfOrderMetadataProperties = true,
        // Every state must have a stored form, also one with a NaN in it.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new PlainDecimalConverter(),
            new BigIntegerConverter(),
            new ZonedTimeOffsetConverter(),
            new UtcTimeConverter(),
            new UnorderedConverterFactory(),
        },
    };

    /// <summary>Adds an entity.</summary>
    public TopologyBuilder AddEntity<TState>(Action<EntityOptions>? configure = null)
        where TState : class, IEntity<TState>
    {
        var options = new EntityOptions(DefaultName(typeof(TState)));
        configure?.Invoke(options);
        _definitions.Add(() => Remember(
            new EntityDataset<TState>(options.Name, options.Version, options.BadRecords, Json, TState.Fold)
            {
                Topic = options.Topic ?? options.Name,
                Partitioner = options.Partitioner,
                MaxStateBytes = options.MaxStateBytes,
                TakesEmptyAsTombstone = options.TakesEmptyAsTombstone,
                IsLatestByTime = options.IsLatestByTime,
            },
            options));
        return this;
    }

    /// <summary>Adds a view.</summary>
    public TopologyBuilder AddView<TState>(Action<ViewOptions>? configure = null)
        where TState : class, IView<TState>
    {
        var options = new ViewOptions(DefaultName(typeof(TState)));
        configure?.Invoke(options);
        _definitions.Add(() => Remember(
            new ViewDataset<TState>(options.Name, options.Version, options.BadRecords, Json, TState.Sources)
            {
                MaxStateBytes = options.MaxStateBytes,
                MaxKeysPerState = options.MaxKeysPerState,
            },
            options));
        return this;
    }

    /// <summary>Checks all definitions together.</summary>
    /// <exception cref="TopologyException">They do not fit together; the message has every reason at once.</exception>
    public Topology Build()
    {
        if (Json.TypeInfoResolver is null)
            Json.TypeInfoResolver = new DefaultJsonTypeInfoResolver();
        Json.MakeReadOnly();
        _options.Clear();
        Dataset[] datasets = [.. _definitions.Select(create => create())];
        foreach (var dataset in datasets)
        {
            dataset.Partitions = _options[dataset].Partitions ?? DefaultPartitions;
            if (dataset.Kind == DatasetKind.View)
                dataset.Topic = TopicNames.Input(Application, dataset.Name, dataset.Build);
        }

        return TopologyChecks.Connect(Application, datasets);
    }

    private Dataset Remember(Dataset dataset, DatasetOptions options)
    {
        _options[dataset] = options;
        return dataset;
    }

    /// <summary><c>SourceFile</c> becomes <c>source-file</c>.</summary>
    private static string DefaultName(Type type) => JsonNamingPolicy.KebabCaseLower.ConvertName(type.Name);
}
