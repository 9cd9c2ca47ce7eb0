using ActorStreams.Grains.Placement;
using CsCheck;

namespace ActorStreams.Tests.Placement;

public sealed class AssignmentTests
{
    private static readonly Gen<List<(string Dataset, int Partitions)>> GenDatasets =
        Gen.Int[1, 20].List[1, 5].Select(counts => counts.Select((partitions, i) => ($"d{i}", partitions)).ToList());

    /// <summary>Joins (positive) and leaves (negative): which of the members leaves.</summary>
    private static readonly Gen<List<int>> GenEvents = Gen.Int[-6, 6].List[1, 25];

    [Fact]
    public void Every_sequence_of_joins_and_leaves_leaves_each_dataset_and_the_whole_even() =>
        Gen.Select(GenDatasets, GenEvents).Sample((datasets, events) =>
        {
            foreach (var (_, after, members) in Run(datasets, events))
            {
                foreach (var (dataset, partitions) in datasets)
                    AssertEven([.. members.Select(member => after[dataset].Count(owner => owner == member))], partitions, members.Count);
                AssertEven(
                    [.. members.Select(member => after.Values.Sum(owners => owners.Count(owner => owner == member)))],
                    datasets.Sum(d => d.Partitions), members.Count);
            }
        });

    [Fact]
    public void A_leave_moves_what_the_leaver_had_and_a_join_moves_to_the_newcomer_alone() =>
        Gen.Select(Gen.Int[1, 40], GenEvents).Sample((partitions, events) =>
        {
            List<string> known = [];
            foreach (var (before, after, members) in Run([("d", partitions)], events))
            {
                var moved = Enumerable.Range(0, partitions).Where(i => before.Count > 0 && before["d"][i] != after["d"][i]).ToList();
                if (members.Count > known.Count && known.Count > 0)
                {
                    var newcomer = members.Except(known).Single();
                    Assert.All(moved, i => Assert.Equal(newcomer, after["d"][i]));
                    Assert.Equal(partitions / members.Count, moved.Count);
                }
                else if (known.Count > 0)
                {
                    Assert.All(moved, i => Assert.DoesNotContain(before["d"][i], members));
                }

                known = members;
            }
        });

    [Fact]
    public void Sixteen_partitions_over_three_silos_are_five_or_six_each()
    {
        var owners = Assignment.Of([("d", 16)], ["c", "a", "b"], new Dictionary<string, string[]>())["d"];
        Assert.Equal([5, 5, 6], owners.GroupBy(owner => owner).Select(silo => silo.Count()).Order());
    }

    [Fact]
    public void The_same_members_and_owners_give_the_same_owners_in_whatever_order_they_come() =>
        Gen.Select(GenDatasets, GenEvents).Sample((datasets, events) =>
        {
            foreach (var (before, after, members) in Run(datasets, events))
                Assert.Equal(after, Assignment.Of(datasets, [.. members.AsEnumerable().Reverse()], before));
        });

    [Fact]
    public void A_dataset_that_gains_partitions_or_is_new_moves_nothing_of_what_stays_even()
    {
        string[] members = ["a", "b"];
        var before = Assignment.Of([("d", 4)], members, new Dictionary<string, string[]>());
        var after = Assignment.Of([("d", 6), ("e", 2)], members, before);
        Assert.Equal(before["d"], after["d"].Take(4));
        Assert.Equal([3, 3], after["d"].GroupBy(owner => owner).Select(silo => silo.Count()));
        Assert.Equal(["a", "b"], after["e"].Order());
    }

    private static void AssertEven(List<int> counts, int all, int members)
    {
        Assert.Equal(all, counts.Sum());
        Assert.All(counts, count => Assert.InRange(count, all / members, (all + members - 1) / members));
    }

    private static IEnumerable<(Dictionary<string, string[]> Before, Dictionary<string, string[]> After, List<string> Members)> Run(
        List<(string Dataset, int Partitions)> datasets, List<int> events)
    {
        var (members, before, next) = (new List<string>(), new Dictionary<string, string[]>(), 0);
        foreach (var what in events)
        {
            if (what >= 0 || members.Count < 2)
                members.Add($"s{(next++ * 7) % 11}-{next}");
            else
                members.RemoveAt(-what % members.Count);
            var after = Assignment.Of(datasets, members, before);
            yield return (before, after, [.. members]);
            before = after;
        }
    }
}
