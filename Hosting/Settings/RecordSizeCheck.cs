using ActorStreams.Kafka.Clients;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Settings;

/// <summary>The API must not take records that the log refuses.</summary>
internal sealed class RecordSizeCheck(IConfiguration configuration) : IValidateOptions<HostingOptions>
{
    public ValidateOptionsResult Validate(string? name, HostingOptions options)
    {
        if (options.Log != LogKind.Kafka)
            return ValidateOptionsResult.Success;
        var most = configuration.GetSection(KafkaOptions.Section).GetValue(
            nameof(KafkaOptions.MaxRecordBytes), new KafkaOptions().MaxRecordBytes);
        return options.MaxRecordBytes <= most ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(
            $"Silo:{nameof(HostingOptions.MaxRecordBytes)} is {options.MaxRecordBytes}, but "
            + $"{KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)} is {most}: the API would take records that the log refuses. "
            + $"Raise {KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)} to {options.MaxRecordBytes} or more, or lower "
            + $"Silo:{nameof(HostingOptions.MaxRecordBytes)}.");
    }
}
