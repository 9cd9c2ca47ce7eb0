using System.Text;
using ActorStreams.States;
using Npgsql;
using NpgsqlTypes;

namespace ActorStreams.Storage.Postgres;

/// <summary>The parameters of the store's statements. All are typed, so that no value is boxed and no type is inferred.</summary>
internal static class PostgresValue
{
    // A key that is not valid text (half a surrogate pair) must fail instead of becoming another key.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] Key(string key) => Strict.GetBytes(key);

    public static ReadOnlyMemory<byte>[] Keys(IReadOnlyCollection<string> keys)
    {
        var all = new byte[keys.Sum(key => Strict.GetByteCount(key))];
        var (slices, at, i) = (new ReadOnlyMemory<byte>[keys.Count], 0, 0);
        foreach (var key in keys)
        {
            var length = Strict.GetBytes(key, all.AsSpan(at));
            slices[i++] = all.AsMemory(at, length);
            at += length;
        }

        return slices;
    }

    public static NpgsqlParameter[] Partition(PartitionId partition) =>
        [Of(partition.Dataset), Of(partition.Build), Of(partition.Partition)];

    public static NpgsqlParameter[] Build(string dataset, int build) => [Of(dataset), Of(build)];

    public static NpgsqlParameter[] Ids(IReadOnlyCollection<ContributionId> ids) =>
        [Array(Keys([.. ids.Select(id => id.Key)])), Array([.. ids.Select(id => id.Slot)]), Array([.. ids.Select(id => id.Element)])];

    public static NpgsqlParameter Of(string value) => new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter Of(int value) => new NpgsqlParameter<int> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Integer };

    public static NpgsqlParameter Of(long value) => new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint };

    public static NpgsqlParameter Of(Guid value) => new NpgsqlParameter<Guid> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Uuid };

    public static NpgsqlParameter Of(ReadOnlyMemory<byte> value) =>
        new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea };

    public static NpgsqlParameter Array(ReadOnlyMemory<byte>[] values) =>
        new NpgsqlParameter<ReadOnlyMemory<byte>[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };

    public static NpgsqlParameter Array(int[] values) =>
        new NpgsqlParameter<int[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };

    public static NpgsqlParameter Array(long[] values) =>
        new NpgsqlParameter<long[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };
}
