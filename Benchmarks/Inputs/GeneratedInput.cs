using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Benchmarks.Inputs;

/// <summary>
/// Movements on 100,000 accounts of 10,000 owners, the same ones on every run. One in a hundred moves its account to another owner.
/// </summary>
internal sealed class GeneratedInput : Input
{
    private const int Seed = 20_260_101;
    private const int Accounts = 100_000;
    private const int Owners = 10_000;
    private static readonly string[] Channels = ["web", "app", "branch", "terminal"];

    private readonly JsonTypeInfo<Movement> _json;

    private GeneratedInput(JsonSerializerOptions json) => _json = (JsonTypeInfo<Movement>)json.GetTypeInfo(typeof(Movement));

    public override string Name => "generated";

    public static GeneratedInput Create(int records)
    {
        var json = JsonOptions();
        var random = new Random(Seed);
        var owners = Enumerable.Range(0, Accounts).Select(_ => random.Next(Owners)).ToArray();
        return new(json) { Records = [.. Enumerable.Range(0, records).Select(offset => Next(random, owners, offset, json))] };
    }

    public override void AddTo(TopologyBuilder topology, bool withView)
    {
        topology.AddEntity<Account>();
        if (withView)
            topology.AddView<Wealth>();
    }

    public override int PlainLoop()
    {
        var states = new Dictionary<string, Account>();
        foreach (ref readonly var record in Records.AsSpan())
        {
            var key = Encoding.UTF8.GetString(record.Key!.Value.Span);
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(states, key, out _);
            var value = JsonSerializer.Deserialize(record.Value!.Value.Span, _json)!;
            state = Account.Apply(
                state, new() { Key = key, Value = value, Time = DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp) });
            if (state is null)
                states.Remove(key);
        }

        return states.Count;
    }

    private static ChangeRecord Next(Random random, int[] owners, int offset, JsonSerializerOptions json)
    {
        var account = random.Next(Accounts);
        if (random.Next(100) == 0)
            owners[account] = random.Next(Owners);
        var movement = new Movement(
            $"owner-{owners[account]:D5}", random.Next(-100_000, 100_000), "EUR", $"payment {random.Next(1_000_000):D9}",
            Channels[random.Next(Channels.Length)]);
        return new()
        {
            Offset = offset,
            Timestamp = 1_767_225_600_000 + offset,
            Key = Encoding.UTF8.GetBytes($"account-{account:D6}"),
            Value = JsonSerializer.SerializeToUtf8Bytes(movement, json),
        };
    }

    /// <summary>The options that every topology uses.</summary>
    private static JsonSerializerOptions JsonOptions()
    {
        var topology = new TopologyBuilder();
        topology.AddEntity<Account>().Build();
        return topology.Json;
    }
}
