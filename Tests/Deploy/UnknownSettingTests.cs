using ActorStreams.Hosting.Settings;
using ActorStreams.Silo;
using Microsoft.Extensions.Configuration;

namespace ActorStreams.Tests.Deploy;

/// <summary>What nothing reads is refused, and not ignored.</summary>
public sealed class UnknownSettingTests
{
    [Theory]
    [InlineData("Silo:MaxRecordByte", "Did you mean 'Silo:MaxRecordBytes'?")]
    [InlineData("Streams:CheckpointInterval", "There is no setting 'Streams:CheckpointInterval'")]
    [InlineData("Security:Jwt:Audiense", "Did you mean 'Security:Jwt:Audience'?")]
    [InlineData("Kafka:Setting:sasl.username", "Did you mean 'Kafka:Settings'?")]
    [InlineData("Postgres:Conectionstring", "Did you mean 'Postgres:ConnectionString'?")]
    public void A_setting_that_does_not_exist_is_named_with_the_one_that_was_meant(string path, string says) =>
        Assert.Contains(says, Assert.Single(UnknownSettings.Find(Settings(path))), StringComparison.Ordinal);

    [Theory]
    [InlineData("Silo:maxrecordbytes")]
    [InlineData("Streams:Application")]
    [InlineData("Streams:OtherTopics:0")]
    [InlineData("Kafka:Settings:sasl.username")]
    [InlineData("Security:Limits:BodyIdleSeconds")]
    [InlineData("Elsewhere:Anything")]
    public void A_setting_that_exists_is_not(string path) => Assert.Empty(UnknownSettings.Find(Settings(path)));

    [Theory]
    [InlineData("--url", "Did you mean --urls?")]
    [InlineData("--rebuld", "Did you mean --rebuild?")]
    [InlineData("--Sillo:Log", "Did you mean --Silo:Log?")]
    [InlineData("--entirely-different", "There is no option --entirely-different.")]
    [InlineData("-x", "'-x' is no option")]
    [InlineData("--end", "--end belongs to --rebuild")]
    public void An_option_that_does_not_exist_is_refused_with_the_one_that_was_meant(string option, string says) =>
        Assert.Contains(
            says, Assert.Throws<ArgumentException>(() => CommandLineArguments.Check([option, "value"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Options_that_exist_are_taken() => CommandLineArguments.Check(
    [
        "--urls", "http://127.0.0.1:1", "--data=x", "--rebuild", "--Silo:Log", "kafka", "--Kafka:Settings:client.id=a",
        "--Logging:LogLevel:Default", "Debug",
    ]);

    private static IConfiguration Settings(string path) =>
        new ConfigurationBuilder().AddInMemoryCollection([new(path, "1")]).Build();
}
