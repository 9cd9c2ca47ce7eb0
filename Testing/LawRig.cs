using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Testing;

/// <summary>One record of a history. Its place stays with it when the history is rearranged.</summary>
internal readonly record struct LawStep(string Key, byte[]? Value, long Place)
{
    internal ChangeRecord ToRecord(long offset) => new()
    {
        Offset = offset,
        Timestamp = LawRig.Epoch + (Place * 1_000),
        Key = Encoding.UTF8.GetBytes(Key),
        Value = Value is null ? default(ReadOnlyMemory<byte>?) : Value,
    };

    public override string ToString() => $"{Key}: {(Value is null ? "nothing" : Encoding.UTF8.GetString(Value))}";
}

/// <summary>What folding a history came to, as stored.</summary>
internal sealed record LawOutcome(string States, string Faults)
{
    public override string ToString() =>
        (States.Length == 0 ? "  nothing" : States) + (Faults.Length == 0 ? "" : $"\n  set aside: {Faults}");
}

/// <summary>
/// Folds histories with the real folds: an entity's partition, and for a view what that partition routes to a partition of the view.
/// </summary>
internal sealed class LawRig(Dataset source, Dataset? view)
{
    /// <summary>2024-01-01T00:00:00Z, in milliseconds.</summary>
    internal const long Epoch = 1_704_067_200_000;

    private const int Steps = 3;

    private static readonly FoldOptions Tiny = new() { TableEntries = 1, SpareRanks = 0, KnownElements = 1, MaxFrameBytes = 64 };

    /// <summary>States as the fold made them, so that what their stored form loses shows.</summary>
    private static readonly FoldOptions AsFolded = FoldOptions.InMemory with { KeepsStatesUnstored = true };

    internal string Definition => (view ?? source).ToString();

    /// <summary>A source whose records are its states.</summary>
    internal static LawRig OfView<TView, TSource>(JsonSerializerOptions json)
        where TView : class, IView<TView>
        where TSource : class
    {
        var sources = TView.Sources;
        if (sources.All(source => source.SourceType != typeof(TSource)))
            throw new ArgumentException(
                $"{typeof(TView).Name} has no source {typeof(TSource).Name}; it has "
                + $"{string.Join(", ", sources.Select(source => source.SourceType.Name))}.");
        var view = new ViewDataset<TView>(typeof(TView).Name, 1, BadRecords.SetAside, json, sources) { Topic = "view", Partitions = 1 };
        var source = new EntityDataset<TSource>("source", 1, BadRecords.SetAside, json, new States<TSource>())
        {
            Topic = "source", Partitions = 1,
        };
        view.Connect(
            [.. sources.Select(Dataset (s, i) => s.SourceType == typeof(TSource)
                ? source
                : new Silent($"source-{i}", s.SourceType, json))]);
        return new(source, view);
    }

    internal static LawRig OfEntity<TEntity>(JsonSerializerOptions json)
        where TEntity : class, IEntity<TEntity> => new(
            new EntityDataset<TEntity>(typeof(TEntity).Name, 1, BadRecords.SetAside, json, TEntity.Fold)
            {
                Topic = "source", Partitions = 1,
            }, null);

    internal LawOutcome InMemory(IReadOnlyList<LawStep> history) => Fold(history, AsFolded, null);

    /// <summary>As a crash at any moment would have it: every few records all is stored, and new owners begin.</summary>
    internal LawOutcome Stored(IReadOnlyList<LawStep> history) => Fold(history, Tiny, new());

    private LawOutcome Fold(IReadOnlyList<LawStep> history, FoldOptions options, InMemoryStateStore? store)
    {
        List<string> faults = [];
        var input = new OwnedPartition(source, options, store, faults);
        var output = view is null ? null : new OwnedPartition(view, options, store, faults);
        for (var i = 0; i < history.Count; i += Steps)
        {
            // An entity's records keep their places when others are left out, for a fold may keep a position.
            var frames = input.Fold([.. history.Skip(i).Take(Steps).Select((step, n) => step.ToRecord(view is null ? step.Place : i + n))]);
            output?.Fold(
                [.. frames.Select(
                    (frame, n) => new ChangeRecord { Offset = output.NextOffset + n, Timestamp = frame.Timestamp, Value = frame.Bytes })]);
            input.StoreAndRestart();
            output?.StoreAndRestart();
        }

        return new(string.Join(
            "\n", (output ?? input).States().Select(state => $"  {state.Key}: {Encoding.UTF8.GetString(state.State.Span)}")), string.Join(
                "; ", faults));
    }

    /// <summary>One partition's owner, or one after the other where there is a store.</summary>
    private sealed class OwnedPartition(Dataset dataset, FoldOptions options, InMemoryStateStore? store, List<string> faults)
    {
        private PartitionFold _fold = dataset.CreateFold(0, options);

        internal long NextOffset => _fold.NextOffset;

        internal List<Frame> Fold(IReadOnlyList<ChangeRecord> records)
        {
            if (records.Count == 0)
                return [];
            var end = records[^1].Offset + 1;
            var batch = new RecordBatch { Partition = new(dataset.Topic, 0), Records = records, NextOffset = end, EndOffset = end };
            var output = Done(_fold.FoldAsync(batch, store));
            faults.AddRange(output.DeadLetters.Select(letter => letter.Reason));
            return output.Frames;
        }

        internal void StoreAndRestart()
        {
            if (store is null)
                return;
            Done(store.WriteCheckpointAsync(_fold.BeginCheckpoint()));
            _fold = dataset.CreateFold(0, options);
            _fold.Restore(Done(store.ReadCheckpointAsync(_fold.Id)));
        }

        internal IEnumerable<StoredState> States() => store is null
            ? _fold.All().Select(row => new StoredState(row.Key, row.State, row.Offset, row.Timestamp))
                .OrderBy(row => row.Key, KeyOrder.Instance)
            : Done(store.ScanAsync(_fold.Id, "", null, int.MaxValue));

        /// <summary>The store in memory answers at once: there is nothing to wait for.</summary>
        private static T Done<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Takes a record's value for the state.</summary>
    private sealed class States<TSource>(JsonTypeInfo<TSource>? json = null) : EntityFold<TSource>
        where TSource : class
    {
        internal override Type EventType => typeof(TSource);

        internal override EntityFold<TSource> Bind(JsonSerializerOptions options) =>
            new States<TSource>((JsonTypeInfo<TSource>)options.GetTypeInfo(typeof(TSource)));

        internal override TSource? Apply(TSource? state, string key, in ChangeRecord record, TopicPartition partition) =>
            JsonSerializer.Deserialize(record.Value!.Value.Span, json!);
    }

    /// <summary>Another source of a join, of which nothing is heard.</summary>
    private sealed class Silent(
        string name, Type type, JsonSerializerOptions json) : Dataset(DatasetKind.Entity, name, 1, BadRecords.SetAside, json)
    {
        public override Type StateType => type;

        internal override IReadOnlyList<Type> SourceTypes => [];

        internal override TResult Accept<TResult>(IDatasetVisitor<TResult> visitor) => throw new NotSupportedException();
    }
}
