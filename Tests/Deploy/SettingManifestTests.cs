using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Configuration;

namespace ActorStreams.Tests.Deploy;

/// <summary>The settings in the manifests are those that the code has.</summary>
public sealed class SettingManifestTests
{
    private static readonly string[] NotOurs =
    [
        "POD_NAME", "POD_IP", "ASPNETCORE_URLS", "ACTORSTREAMS_URL", "DOTNET_GCHeapHardLimitPercent", "DOTNET_GCgen0size",
    ];

    public static TheoryData<string> All => ManifestTests.All;

    public static TheoryData<string> Silos => ManifestTests.Silos;

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_variable_is_a_setting_of_the_code(string name)
    {
        foreach (var container in (await Manifests.OfAsync(name)).Pods
            .SelectMany(pod => pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? [])))
            Assert.All(Manifests.EnvironmentOf(container).Keys.Except(NotOurs), variable => Assert.True(
                SettingNames.Exists(variable.Replace("__", ":", StringComparison.Ordinal)), $"No option is bound to {variable}."));
    }

    [Fact]
    public async Task Every_setting_of_the_settings_files_is_one_of_the_code()
    {
        foreach (var settings in await SettingsAsync())
            Assert.All(settings.AsEnumerable().Where(one => one.Value is not null), one => Assert.True(
                SettingNames.Exists(one.Key), $"No option is bound to {one.Key}."));
    }

    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Ports_of_the_pod_are_those_of_the_settings(string name)
    {
        var silo = (await Manifests.OfAsync(name)).SiloContainer;
        var environment = Manifests.EnvironmentOf(silo);
        var ports = silo.Ports.ToDictionary(port => port.Name, port => port.ContainerPort.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(name == "overlays/dev" ? $"http://+:{ports["api"]}" : $"https://+:{ports["api"]}", environment["ASPNETCORE_URLS"]);
        Assert.Equal(
            (ports["operations"], ports["silo"], "0"),
            (environment["Silo__OperationsPort"], environment["Silo__SiloPort"], environment["Silo__GatewayPort"]));
        Assert.Equal(("$(POD_NAME)", "$(POD_IP)"), (environment["Silo__Name"], environment["Silo__AdvertisedAddress"]));
        Assert.Equal(("(metadata.name)", "(status.podIP)"), (environment["POD_NAME"], environment["POD_IP"]));
    }

    [Fact]
    public async Task Dev_says_that_it_is_open_and_production_that_it_is_not()
    {
        Assert.Equal("Development", Manifests.EnvironmentOf((await Manifests.OfAsync("overlays/dev")).SiloContainer)["Security__Profile"]);
        var silo = Settings(await Manifests.OfAsync("overlays/production"), "silo.json");
        Assert.Equal("Production", silo["Security:Profile"]);
        Assert.Equal(("kafka", "postgres", "False"), (silo["Silo:Log"], silo["Silo:States"], silo["Silo:Migrate"]));
        Assert.Equal("SASL_SSL", silo["Kafka:Settings:security.protocol"]);
        Assert.Contains("SSL Mode=VerifyFull", silo["Postgres:ConnectionString"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("overlays/production", "silo.json")]
    [InlineData("overlays/production/migration", "migration.json")]
    [InlineData("overlays/production/rebuild", "silo.json")]
    public async Task Every_file_that_the_settings_name_is_in_a_directory_that_is_mounted(string name, string file)
    {
        var manifests = await Manifests.OfAsync(name);
        var pod = Assert.Single(manifests.Pods).Spec;
        var container = Assert.Single(pod.Containers);
        var files = Settings(manifests, file).AsEnumerable().SelectMany(one => (one.Value ?? "").Split(';', '='))
            .Where(value => value.StartsWith("/etc/actorstreams/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        Assert.All(files, path => Assert.Contains(container.VolumeMounts, mount => Path.GetDirectoryName(path) == mount.MountPath
            && IsIn(pod.Volumes.Single(volume => volume.Name == mount.Name), Path.GetFileName(path))));
        var at = container.Args.IndexOf("--settings");
        Assert.Contains(container.VolumeMounts, mount => container.Args[at + 1] == $"{mount.MountPath}/{file}");
    }

    /// <summary>A rebuild with other settings than the silos' would delete other topics.</summary>
    [Fact]
    public async Task The_rebuild_has_the_settings_of_the_silos()
    {
        var maps = await Task.WhenAll(new[] { "overlays/production", "overlays/production/rebuild" }.Select(async name =>
            (await Manifests.OfAsync(name)).Of<V1ConfigMap>().Single(map => map.Data.ContainsKey("silo.json"))));
        Assert.Equal(maps[0].Metadata.Name, maps[1].Metadata.Name);
        Assert.Equal(maps[0].Data["silo.json"], maps[1].Data["silo.json"]);
    }

    [Fact]
    public async Task Migration_has_a_role_of_its_own_and_grants_silos_theirs()
    {
        var silo = new Npgsql.NpgsqlConnectionStringBuilder(
            Settings(await Manifests.OfAsync("overlays/production"), "silo.json")["Postgres:ConnectionString"]);
        var migration = Settings(await Manifests.OfAsync("overlays/production/migration"), "migration.json");
        var owner = new Npgsql.NpgsqlConnectionStringBuilder(migration["Postgres:ConnectionString"]);
        Assert.NotEqual(silo.Username, owner.Username);
        Assert.Equal(silo.Username, migration["Postgres:SiloRole"]);
        Assert.Equal((silo.Host, silo.Database), (owner.Host, owner.Database));
        var secrets = new[] { "overlays/production", "overlays/production/migration" }.Select(async name =>
            (await Manifests.OfAsync(name)).Pods.Single().Spec.Volumes
                .SelectMany(volume => volume.Projected?.Sources ?? []).Select(source => source.Secret)
                .Single(secret => secret.Name.StartsWith("actorstreams-postgres", StringComparison.Ordinal)
                    && secret.Items.Any(item => item.Path == "password")).Name);
        Assert.Equal(2, (await Task.WhenAll(secrets)).Distinct().Count());
    }

    [Fact]
    public async Task Kafka_s_client_takes_the_settings_of_production()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File("username"), "silo\n");
        await File.WriteAllTextAsync(directory.File("password"), "secret\n");
        await File.WriteAllTextAsync(directory.File("ca.crt"), Certificates.SelfSigned());
        var text = Text(await Manifests.OfAsync("overlays/production"), "silo.json")
            .Replace("/etc/actorstreams/kafka", directory.Path, StringComparison.Ordinal);
        var options = Parse(text).GetSection(KafkaOptions.Section).Get<KafkaOptions>()!;
        var settings = ClientSettings.Of(options);
        Assert.Equal(("silo", "secret"), (settings.Consumer["sasl.username"], settings.Producer["sasl.password"]));
    }

    /// <summary>The sum of docs/operate/kubernetes.md: what is not .NET's heap must find room beside it.</summary>
    [Theory]
    [MemberData(nameof(Silos))]
    public async Task Beside_the_heap_is_room_for_Kafka_s_buffers_and_the_runtime(string name)
    {
        const long Mebi = 1 << 20, Runtime = 150 * Mebi, Brokers = 3, Sqlite = 64 * Mebi;
        var silo = (await Manifests.OfAsync(name)).SiloContainer;
        var limit = (long)silo.Resources.Limits["memory"].ToDecimal();
        var heap = limit * int.Parse(
            Manifests.EnvironmentOf(silo)["DOTNET_GCHeapHardLimitPercent"], NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 100;
        var kafka = new KafkaOptions { BootstrapServers = "localhost:9092" };
        var settings = ClientSettings.Of(kafka);
        var consumers = 2 + kafka.MaxExtraConsumers;
        var native = name == "overlays/dev" ? Sqlite
            : (long.Parse(settings.Producer["queue.buffering.max.kbytes"], CultureInfo.InvariantCulture) << 10)
              + (consumers * (long.Parse(settings.Consumer["queued.max.messages.kbytes"], CultureInfo.InvariantCulture) << 10))
              + (consumers * Brokers * long.Parse(settings.Consumer["fetch.max.bytes"], CultureInfo.InvariantCulture));
        Assert.True(
            heap + native + Runtime <= limit,
            $"{heap / Mebi} MiB of heap, {native / Mebi} MiB of buffers and {Runtime / Mebi} MiB of the runtime are more than "
            + $"{limit / Mebi} MiB.");
    }

    private static bool IsIn(V1Volume volume, string file) => volume.Secret is not null
        || volume.Projected?.Sources.Any(source => source.Secret.Items.Any(item => item.Path == file)) == true;

    internal static IConfiguration Settings(Manifests manifests, string file) => Parse(Text(manifests, file));

    private static async Task<IEnumerable<IConfiguration>> SettingsAsync() =>
    [
        Settings(await Manifests.OfAsync("overlays/production"), "silo.json"),
        Settings(await Manifests.OfAsync("overlays/production/migration"), "migration.json"),
    ];

    private static string Text(Manifests manifests, string file) =>
        manifests.Of<V1ConfigMap>().Single(map => map.Data.ContainsKey(file)).Data[file];

    private static IConfiguration Parse(string text) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text))).Build();
}
