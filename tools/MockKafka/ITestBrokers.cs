namespace ActorStreams.MockKafka;

/// <summary>Brokers that a test drives: the mock cluster or real ones. Brokers are numbered from 1; -1 is all of them.</summary>
public interface ITestBrokers : IAsyncDisposable
{
    string BootstrapServers { get; }

    Task CreateTopicAsync(string topic, int partitions, int replication = 1);

    Task DeleteTopicAsync(string topic);

    /// <summary>Removes the records of a partition that lie before an offset.</summary>
    Task DeleteRecordsAsync(string topic, int partition, long before);

    Task SetLeaderAsync(string topic, int partition, int broker);

    Task DownAsync(int broker = -1);

    Task UpAsync(int broker = -1);

    /// <summary>Answers of a broker come this much later.</summary>
    Task SetRoundTripAsync(int milliseconds, int broker = -1);

    /// <summary>
    /// The next requests of a type fail in these ways, one each (0: not at all; -195: the connection drops). Real brokers answer no
    /// errors on demand: there each failure is a dropped connection.
    /// </summary>
    Task PushErrorsAsync(int requestType, params IEnumerable<int> errors);
}
