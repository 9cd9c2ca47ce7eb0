using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.DeadLetters;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PaidIn), "in")]
[JsonDerivedType(typeof(PaidOut), "out")]
internal abstract record Payment(int Amount);

internal sealed record PaidIn(int Amount, string Note) : Payment(Amount);

internal sealed record PaidOut(int Amount) : Payment(Amount);

/// <summary>
/// Counts records and sums up a checksum of their bytes, so that one that is left out or folded twice is seen. Its definition takes only
/// what it should, until it is mended: then it takes any bytes at all.
/// </summary>
internal sealed record Ledger(int Records, long Checksum, int Repaired) : IEntity<Ledger>
{
    internal static bool IsFixed { get; set; }

    internal static bool Stops { get; set; }

    public static EntityFold<Ledger> Fold => new LedgerFold(null);

    internal static void AddTo(TopologyBuilder topology) =>
        topology.AddEntity<Ledger>(ledger => ledger.WithPartitions(4).OnBadRecord(Stops ? BadRecords.Stop : BadRecords.SetAside))
            .AddView<Book>(book => book.WithPartitions(2));

    internal static long ChecksumOf(ReadOnlySpan<byte> value)
    {
        var hash = 2_166_136_261u;
        foreach (var b in value)
            hash = (hash ^ b) * 16_777_619u;
        return hash;
    }

    private sealed class LedgerFold(JsonTypeInfo<Payment>? json) : EntityFold<Ledger>
    {
        private const int MaxNote = 1_000;
        private const int Unlucky = 13;

        internal override Type EventType => typeof(Payment);

        internal override EntityFold<Ledger> Bind(JsonSerializerOptions options) =>
            new LedgerFold((JsonTypeInfo<Payment>)new JsonSerializerOptions(options)
            {
                RespectNullableAnnotations = true,
            }.GetTypeInfo(typeof(Payment)));

        internal override Ledger? Apply(Ledger? state, string key, in ChangeRecord record, TopicPartition partition)
        {
            var value = record.Value!.Value.Span;
            var repaired = 0;
            try
            {
                Check(JsonSerializer.Deserialize(value, json!) ?? throw new JsonException("The value is null."));
            }
            catch (Exception) when (IsFixed)
            {
                repaired = 1;
            }

            return new((state?.Records ?? 0) + 1, (state?.Checksum ?? 0) + ChecksumOf(value), (state?.Repaired ?? 0) + repaired);
        }

        private static void Check(Payment payment)
        {
            if (payment is PaidIn { Note.Length: > MaxNote } huge)
                throw new ArgumentException($"The note has {huge.Note.Length} characters, but may have {MaxNote}.");
            if (payment.Amount == Unlucky)
                throw new InvalidOperationException("Thirteen cannot be booked.");
        }
    }
}

/// <summary>What the ledgers of a kind come to.</summary>
internal sealed record Book(int Ledgers, long Records, long Checksum) : IView<Book, Ledger>
{
    public static IEnumerable<string> KeysOf(string key, Ledger source) => [key[..2]];

    public static Book? Apply(Book? state, in Change<Ledger> change) =>
        new((state?.Ledgers ?? 0) + change.Count, (state?.Records ?? 0) + change.Sum(ledger => ledger.Records), (state?.Checksum
            ?? 0) + change.Sum(ledger => ledger.Checksum));
}
