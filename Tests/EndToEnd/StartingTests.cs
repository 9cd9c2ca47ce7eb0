using ActorStreams.Hosting.Settings;
using ActorStreams.Kafka.Clients;
using System.Net;
using System.Net.Sockets;

namespace ActorStreams.Tests.EndToEnd;

public sealed class StartingTests : EndToEndTest
{
    [Fact]
    public async Task A_port_that_is_taken_ends_the_silo_with_a_sentence()
    {
        var silo = NewSilo();
        using var other = new TcpListener(IPAddress.Loopback, silo.Url.Port);
        other.Start();
        await AssertEndsAsync(silo, $"127.0.0.1:{silo.Url.Port}", "--urls");
    }

    [Fact]
    public async Task A_data_directory_in_use_ends_the_silo_with_a_sentence_and_the_other_goes_on()
    {
        var first = await StartSiloAsync();
        await AssertEndsAsync(NewSilo(first.Data), first.Data, $"process {first.ProcessId}");
        Assert.Equal(HttpStatusCode.OK, (await first.GetAsync("api/datasets")).Status);
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_one_ends_the_silo_with_a_sentence()
    {
        using var directory = new TemporaryDirectory();
        var file = directory.File("file");
        await File.WriteAllTextAsync(file, "");
        await AssertEndsAsync(NewSilo(file), file);
    }

    [Fact]
    public async Task Settings_out_of_range_end_the_silo_with_all_of_them()
    {
        var silo = NewSilo();
        silo.Launch("--Streams:TableEntries=-1", "--Streams:BatchRecords=0", "--Silo:MaxListItems=0");
        await AssertEndedAsync(silo, "TableEntries", "BatchRecords", "MaxListItems");
    }

    [Fact]
    public async Task An_API_that_would_take_records_which_Kafka_refuses_does_not_start()
    {
        var silo = NewSilo();
        silo.Launch("--Silo:Log=kafka", "--Kafka:BootstrapServers=127.0.0.1:1", "--Silo:MaxRecordBytes=2000000");
        await AssertEndedAsync(
            silo, "Silo:MaxRecordBytes is 2000000, but Kafka:MaxRecordBytes is 1000000", "Raise Kafka:MaxRecordBytes to 2000000 or more");
    }

    [Fact]
    public void The_default_sizes_of_records_agree() =>
        Assert.Equal(new KafkaOptions().MaxRecordBytes, new HostingOptions().MaxRecordBytes);

    [Fact]
    public async Task A_setting_that_is_no_number_ends_the_silo_with_its_name_and_value()
    {
        var silo = NewSilo();
        silo.Launch("--Streams:BatchRecords=many");
        await AssertEndedAsync(silo, "Streams:BatchRecords", "many");
    }

    [Fact]
    public async Task An_address_that_is_none_ends_the_silo_with_a_sentence()
    {
        var silo = NewSilo();
        silo.Launch("--urls=nowhere:port");
        await AssertEndedAsync(silo, "nowhere:port");
    }

    private static Task AssertEndsAsync(SiloProcess silo, params string[] says)
    {
        silo.Launch();
        return AssertEndedAsync(silo, says);
    }

    private static async Task AssertEndedAsync(SiloProcess silo, params string[] says)
    {
        Assert.Equal(1, await silo.EndAsync());
        Assert.All(says, text => Assert.Contains(text, silo.Errors, StringComparison.Ordinal));
        Assert.StartsWith("The silo cannot start.", silo.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", silo.Output, StringComparison.Ordinal);
    }
}
