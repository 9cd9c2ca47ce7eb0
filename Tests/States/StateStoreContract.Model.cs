using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;
using CsCheck;

namespace ActorStreams.Tests.States;

/// <summary>What a state store has to hold.</summary>
public abstract partial class StateStoreContract
{
    private sealed class Model
    {
        private readonly Dictionary<string, StoredState> _states = [];
        private readonly Dictionary<ContributionId, ReadOnlyMemory<byte>> _contributions = [];

        public Checkpoint Checkpoint { get; private set; } = null!;

        public void Apply(CheckpointWrite write)
        {
            Checkpoint = write.Checkpoint;
            foreach (var state in write.Upserts)
                _states[state.Key] = state;
            foreach (var key in write.Deletes)
                _states.Remove(key);
            foreach (var (id, value) in write.ContributionUpserts)
                _contributions[id] = value;
            foreach (var id in write.ContributionDeletes)
                _contributions.Remove(id);
        }

        public async Task CheckAsync(IStateStore store, PartitionId partition, string prefix, string after, int limit)
        {
            var checkpoint = await store.ReadCheckpointAsync(partition);
            Assert.Equal(Checkpoint is null ? null : Point(Checkpoint), checkpoint is null ? null : Point(checkpoint));
            var states = _states.Values.OrderBy(s => Hex(Bytes(s.Key)), StringComparer.Ordinal).ToList();
            Assert.Equal(states.Select(Show), (await store.ScanAsync(partition, "", null, 1_000)).Select(Show));
            var range = states.Where(s => s.Key.StartsWith(prefix, StringComparison.Ordinal));
            Assert.Equal(range.Take(limit).Select(Show), (await store.ScanAsync(partition, prefix, null, limit)).Select(Show));
            Assert.Equal(
                range.Where(s => KeyOrder.Instance.Compare(s.Key, after) > 0).Take(limit).Select(Show),
                (await store.ScanAsync(partition, prefix, after, limit)).Select(Show));
            Assert.Equal(
                states.Select(Show),
                (await store.LoadAsync(partition, [.. _states.Keys, "none"])).OrderBy(s => s.Key, KeyOrder.Instance).Select(Show));
            await CheckContributionsAsync(store, partition, limit);
        }

        private async Task CheckContributionsAsync(IStateStore store, PartitionId partition, int limit)
        {
            // Each slot twice, whole and in part, and one that has nothing.
            var slots = _contributions.Keys.Select(id => (id.Key, id.Slot)).Distinct().Append((Key: "none", Slot: 7)).ToList();
            ContributionScan[] scans =
            [
                .. slots.SelectMany(slot => new[] { 1_000, limit }.Select(most => new ContributionScan(slot.Key, slot.Slot, most))),
            ];
            Assert.Equal(
                scans.Select(Expected), (await store.ScanContributionsAsync(partition, scans)).Select(found => found.Select(Show)));
            Assert.Empty(await store.ScanContributionsAsync(partition, []));

            Assert.Equal(
                _contributions.Select(c => Show(new StoredContribution(c.Key, c.Value))).Order(StringComparer.Ordinal),
                (await store.LoadContributionsAsync(partition, [.. _contributions.Keys, new("none", 7, default)])).Select(Show)
                    .Order(StringComparer.Ordinal));
        }

        private IEnumerable<string> Expected(ContributionScan scan) => _contributions
            .Where(c => c.Key.Key == scan.Key && c.Key.Slot == scan.Slot).OrderBy(c => Hex(c.Key.Element), StringComparer.Ordinal)
            .Take(scan.Limit)
            .Select(c => Show(new StoredContribution(c.Key, c.Value)));

        private static string Point(Checkpoint c) => $"{c.Number} {c.Position} {c.States} {Hex(c.Header)}";
    }
}

public sealed class InMemoryStateStoreTests : StateStoreContract
{
    protected override Task<IStateStore> OpenAsync() => Task.FromResult<IStateStore>(new InMemoryStateStore());
}
