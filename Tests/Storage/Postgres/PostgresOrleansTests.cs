using System.Net;
using System.Net.Sockets;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>Orleans runs on the tables that the scripts make: clustering, grain storage, reminders.</summary>
public sealed class PostgresOrleansTests : IAsyncLifetime
{
    private readonly List<IHost> _silos = [];
    private PostgresOptions _options = null!;
    private NpgsqlDataSource _source = null!;

    public async ValueTask InitializeAsync()
    {
        var server = await PostgresServer.SharedAsync();
        var owner = await server.NewSchemaAsync();
        // As a role that may do no more than is granted.
        var role = $"orleans_{Guid.NewGuid():n}";
        await PostgresServer.ExecuteAsync(
            owner, $"CREATE ROLE {role} LOGIN PASSWORD 'p'; {PostgresSchema.GrantStatements(owner.Schema, role)}");
        _options = new()
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(owner.ConnectionString)
            {
                Username = role, Password = "p",
            }.ConnectionString,
        };
        _source = PostgresConnections.Orleans(_options);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            await silo.StopAsync();
            silo.Dispose();
        }

        await _source.DisposeAsync();
    }

    [Fact]
    public async Task Two_silos_find_each_other_keep_states_across_a_restart_and_forget_the_dead()
    {
        var (first, second) = (await StartSiloAsync(), await StartSiloAsync());
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(_options, "SELECT count(*) FROM orleansmembershiptable WHERE status = 3"));
        Assert.Equal(2, (await first.Services.GetRequiredService<IMembershipTable>().ReadAllAsync()).Members.Count);
        Assert.Equal(5, await Grains(first).GetGrain<ICounter>("a").AddAsync(5));
        Assert.Equal(7, await Grains(second).GetGrain<ICounter>("a").AddAsync(2));
        await StopAsync(first);
        await StopAsync(second);

        var third = await StartSiloAsync();
        Assert.Equal(10, await Grains(third).GetGrain<ICounter>("a").AddAsync(3));
        await Grains(third).GetGrain<ICounter>("a").ClearAsync();
        Assert.Equal(1, await Grains(third).GetGrain<ICounter>("a").AddAsync(1));

        var members = third.Services.GetRequiredService<IMembershipTable>();
        Assert.Equal(3, (await members.ReadAllAsync()).Members.Count);
        await members.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(-1));
        Assert.Equal(3, (await members.ReadAllAsync()).Members.Count);
        await members.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(1));
        var (remaining, _) = Assert.Single((await members.ReadAllAsync()).Members);
        Assert.Equal(SiloStatus.Active, remaining.Status);
        Assert.Equal(remaining.SiloAddress, Assert.Single((await members.ReadRowAsync(remaining.SiloAddress)).Members).Item1.SiloAddress);
    }

    [Fact]
    public async Task Members_change_only_by_those_who_know_the_table_as_it_is()
    {
        var silo = await StartSiloAsync();
        var members = silo.Services.GetRequiredService<IMembershipTable>();
        var (table, entry) = (await members.ReadAllAsync(), Entry(1));
        var next = table.Version.Next();
        Assert.True(await members.InsertRowAsync(entry, next));
        Assert.False(await members.InsertRowAsync(Entry(2), next));
        Assert.False(await members.InsertRowAsync(entry, (await members.ReadAllAsync()).Version.Next()));
        // What was refused has left no trace in the version either.
        var known = await members.ReadAllAsync();
        Assert.Equal(table.Version.Version + 1, known.Version.Version);
        var raced = await Task.WhenAll(Enumerable.Range(5, 6).Select(i => members.InsertRowAsync(Entry(i), known.Version.Next())).ToList());
        Assert.Single(raced, true);

        var (read, etag) = Assert.Single((await members.ReadRowAsync(entry.SiloAddress)).Members);
        read.Status = SiloStatus.Dead;
        read.AddSuspector(Entry(3).SiloAddress, DateTime.UtcNow);
        Assert.False(await members.UpdateRowAsync(read, etag, known.Version.Next()));
        Assert.True(await members.UpdateRowAsync(read, etag, (await members.ReadAllAsync()).Version.Next()));
        var dead = Assert.Single((await members.ReadRowAsync(entry.SiloAddress)).Members).Item1;
        Assert.Equal((SiloStatus.Dead, 1), (dead.Status, dead.SuspectTimes!.Count));
        dead.IAmAliveTime = DateTime.UtcNow.AddHours(1);
        await members.UpdateIAmAliveAsync(dead);
        Assert.Equal(
            dead.IAmAliveTime, (await members.ReadRowAsync(entry.SiloAddress)).Members[0].Item1.IAmAliveTime, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public async Task Of_two_writers_of_one_grains_state_the_second_is_told()
    {
        var silo = await StartSiloAsync();
        var storage = silo.Services.GetRequiredKeyedService<IGrainStorage>("states");
        foreach (var id in new[]
        {
            GrainId.Create("type", "key"), GrainId.Create(GrainType.Create("type"), GrainIdKeyExtensions.CreateIntegerKey(7)),
            GrainId.Create(GrainType.Create("type"), GrainIdKeyExtensions.CreateGuidKey(Guid.NewGuid(), "extension")),
        })
        {
            GrainState<Counted> one = new(new() { Count = 1 }), two = new(new() { Count = 2 });
            await storage.WriteStateAsync("s", id, one);
            await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("s", id, two));
            await storage.ReadStateAsync("s", id, two);
            Assert.Equal((1, one.ETag, true), (two.State!.Count, two.ETag, two.RecordExists));
            await storage.WriteStateAsync("s", id, two);
            await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("s", id, one));
            await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("s", id, one));
            await storage.ClearStateAsync("s", id, two);
            await storage.ReadStateAsync("s", id, one);
            Assert.False(one.RecordExists);
            await storage.WriteStateAsync("s", id, one);
        }
    }

    [Fact]
    public async Task A_reminder_is_kept_and_given_back()
    {
        var silo = await StartSiloAsync();
        var grain = Grains(silo).GetGrain<ICounter>("r");
        Assert.Equal(["daily"], await grain.RemindAsync("daily"));
        Assert.Equal(["daily"], await grain.RemindAsync("daily"));
        Assert.Equal(["daily", "other"], await grain.RemindAsync("other"));
        var table = silo.Services.GetRequiredService<IReminderTable>();
        Assert.Equal(2, (await table.ReadRows(0, 0)).Reminders.Count);
        var reminder = (await table.ReadRows(grain.GetGrainId())).Reminders.Single(r => r.ReminderName == "daily");
        Assert.Equal(TimeSpan.FromDays(1), reminder.Period);
        var hash = grain.GetGrainId().GetUniformHashCode();
        Assert.Equal(2, (await table.ReadRows(hash - 1, hash)).Reminders.Count);
        Assert.Empty((await table.ReadRows(hash, hash + 1)).Reminders);
        Assert.False(await table.RemoveRow(grain.GetGrainId(), "daily", "77"));
        Assert.Equal(["other"], await grain.ForgetAsync("daily"));
        // The next silo finds it too.
        await StopAsync(silo);
        Assert.Equal(["other"], await Grains(await StartSiloAsync()).GetGrain<ICounter>("r").RemindersAsync());
    }

    private static IGrainFactory Grains(IHost silo) => silo.Services.GetRequiredService<IGrainFactory>();

    private static MembershipEntry Entry(int port) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, port, port), SiloName = $"{port}", HostName = "h", Status = SiloStatus.Joining,
        ProxyPort = port,
        StartTime = DateTime.UtcNow, IAmAliveTime = DateTime.UtcNow, SuspectTimes = [],
    };

    private async Task StopAsync(IHost silo)
    {
        await silo.StopAsync();
        silo.Dispose();
        _silos.Remove(silo);
    }

    private async Task<IHost> StartSiloAsync()
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("c", "s"))
            .ConfigureEndpoints(IPAddress.Loopback, Ports.Free(), Ports.Free())
            .UseAdoNetClustering(clustering => (clustering.Invariant, clustering.DataSource) = ("Npgsql", _source))
            .AddAdoNetGrainStorage("states", storage => (storage.Invariant, storage.DataSource) = ("Npgsql", _source))
            .UseAdoNetReminderService(reminders => (reminders.Invariant, reminders.DataSource) = ("Npgsql", _source)));
        var host = builder.Build();
        _silos.Add(host);
        await host.StartAsync();
        return host;
    }
}

[Alias("tests.counter")]
public interface ICounter : IGrainWithStringKey
{
    [Alias("Add")]
    Task<int> AddAsync(int more);

    [Alias("Clear")]
    Task ClearAsync();

    [Alias("Remind")]
    Task<List<string>> RemindAsync(string name);

    [Alias("Forget")]
    Task<List<string>> ForgetAsync(string name);

    [Alias("Reminders")]
    Task<List<string>> RemindersAsync();
}

[GenerateSerializer]
[Alias("tests.counted")]
public sealed class Counted
{
    [Id(0)]
    public int Count { get; set; }
}

[GrainType("tests-counter")]
public sealed class CounterGrain([PersistentState("counted", "states")] IPersistentState<Counted> state) : Grain, ICounter, IRemindable
{
    public async Task<int> AddAsync(int more)
    {
        state.State.Count += more;
        await state.WriteStateAsync();
        return state.State.Count;
    }

    public Task ClearAsync() => state.ClearStateAsync();

    public async Task<List<string>> RemindAsync(string name)
    {
        await this.RegisterOrUpdateReminder(name, TimeSpan.FromDays(1), TimeSpan.FromDays(1));
        return await RemindersAsync();
    }

    public async Task<List<string>> ForgetAsync(string name)
    {
        await this.UnregisterReminder((await this.GetReminder(name))!);
        return await RemindersAsync();
    }

    public async Task<List<string>> RemindersAsync() =>
        [.. (await this.GetReminders()).Select(reminder => reminder.ReminderName).Order(StringComparer.Ordinal)];

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;
}
