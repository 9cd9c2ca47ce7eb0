using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>How a store lies to one silo; see <see cref="Sabotage"/>.</summary>
internal sealed partial class StoreLies(Simulation simulation)
{
    private readonly Dictionary<PartitionId, Checkpoint?> _seen = [];
    private readonly Dictionary<(PartitionId, string), StoredState> _last = [];
    private readonly Dictionary<(PartitionId, string), StoredState> _lastButOne = [];

    internal Checkpoint? Read(PartitionId partition, Checkpoint? checkpoint)
    {
        var isView = simulation.Topology.Datasets.Single(dataset => dataset.Name == partition.Dataset).Kind == DatasetKind.View;
        if (simulation.Lies(Sabotage.HiddenSuccessor) && _seen.TryGetValue(partition, out var seen) && simulation.Random.Next(3) > 0)
            return seen;
        _seen[partition] = checkpoint;
        if (simulation.Lies(Sabotage.NoMarks) && isView && checkpoint is not null)
            return checkpoint with { Header = With(checkpoint, CheckpointHeader.Section.Marks, new byte[] { 2, 0 }) };
        if (simulation.Lies(Sabotage.EveryRedrive) && !isView && checkpoint is not null)
            return checkpoint with { Header = With(checkpoint, CheckpointHeader.Section.Records, AllSetAside()) };
        return checkpoint;
    }

    internal CheckpointWrite Write(CheckpointWrite write, Checkpoint? stored)
    {
        foreach (var state in write.Upserts)
        {
            if (_last.TryGetValue((write.Partition, state.Key), out var last))
                _lastButOne[(write.Partition, state.Key)] = last;
            _last[(write.Partition, state.Key)] = state;
        }

        if (simulation.Lies(Sabotage.TornCheckpoint) && stored is not null && write.Checkpoint.Number != stored.Number + 1)
            Tear(write, stored);
        var ignores = simulation.Lies(Sabotage.IgnoredCondition) && stored is not null && write.Checkpoint.Number > 1;
        _seen[write.Partition] = write.Checkpoint;
        return new()
        {
            Partition = write.Partition,
            Checkpoint = ignores ? write.Checkpoint with { Number = stored!.Number + 1 } : write.Checkpoint,
            Upserts = [.. write.Upserts.Skip(simulation.Lies(Sabotage.MarkWithoutState) && simulation.Random.Next(10) == 0 ? 1 : 0)],
            Deletes = write.Deletes,
            ContributionUpserts = simulation.Lies(Sabotage.LostContributions) ? [] : write.ContributionUpserts,
            ContributionDeletes = write.ContributionDeletes,
        };
    }

    internal IReadOnlyList<StoredState> Load(PartitionId partition, IReadOnlyList<StoredState> states)
    {
        if (simulation.Lies(Sabotage.OldState))
            return [.. states.Select(state => _lastButOne.GetValueOrDefault((partition, state.Key), state))];
        return simulation.Lies(Sabotage.OtherForm) ? [.. states.Select(state => state with { State = WithZero(state.State) })] : states;
    }

    private static byte[] WithZero(ReadOnlyMemory<byte> state) =>
        Encoding.UTF8.GetBytes(Fraction().Replace(Encoding.UTF8.GetString(state.Span), "${0}0"));

    private void Tear(CheckpointWrite write, Checkpoint stored) => SimLog.Now(simulation.Store.WriteCheckpointAsync(new()
    {
        Partition = write.Partition,
        Checkpoint = stored with { Number = stored.Number + 1 },
        Upserts = write.Upserts,
        Deletes = write.Deletes,
        ContributionUpserts = write.ContributionUpserts,
        ContributionDeletes = write.ContributionDeletes,
    }));

    private static byte[] With(Checkpoint checkpoint, CheckpointHeader.Section section, byte[] bytes)
    {
        var header = CheckpointHeader.Read(checkpoint.Header, section);
        header[section] = bytes;
        return header.Write();
    }

    /// <summary>Marks of an entity by which every record is set aside.</summary>
    private static byte[] AllSetAside()
    {
        var open = new SetAsideOffsets();
        open.AddLost(0, long.MaxValue);
        var writer = new ArrayBufferWriter<byte>();
        writer.Write<byte>([3, 0]);
        for (var number = 0; number < 3; number++)
            writer.WriteVarInt(0);
        open.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    [GeneratedRegex(@"\d\.\d+")]
    private static partial Regex Fraction();
}
