namespace ActorStreams.Tests.Deploy;

public sealed class KafkaTopic : CustomResource<KafkaTopicSpec>;

public sealed class KafkaTopicSpec
{
    public string TopicName { get; set; } = "";

    public int Partitions { get; set; }

    public int Replicas { get; set; }

    public Dictionary<string, string> Config { get; set; } = [];
}

public sealed class KafkaUser : CustomResource<KafkaUserSpec>;

public sealed class KafkaUserSpec
{
    public KafkaUserKind Authentication { get; set; } = new();

    public KafkaUserRights Authorization { get; set; } = new();
}

public sealed class KafkaUserKind
{
    public string Type { get; set; } = "";
}

public sealed class KafkaUserRights
{
    public string Type { get; set; } = "";

    public List<KafkaUserAcl> Acls { get; set; } = [];
}

public sealed class KafkaUserAcl
{
    public KafkaUserResource Resource { get; set; } = new();

    public List<string> Operations { get; set; } = [];
}

public sealed class KafkaUserResource
{
    public string Type { get; set; } = "";

    public string Name { get; set; } = "";

    public string PatternType { get; set; } = "";
}
