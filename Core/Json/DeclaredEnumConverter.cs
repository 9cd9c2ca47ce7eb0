using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Json;

/// <summary>
/// Enums from outside, in the form that the options or the type say; a number that the enum does not declare is refused. Flags may be
/// combined.
/// </summary>
/// <param name="without">The options without this converter, which read and write enums.</param>
internal sealed class DeclaredEnumConverterFactory(JsonSerializerOptions without) : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(
            typeof(DeclaredEnumConverter<>).MakeGenericType(typeToConvert), without.GetConverter(typeToConvert))!;

    private sealed class DeclaredEnumConverter<T>(JsonConverter<T> inner) : JsonConverter<T>
        where T : struct, Enum
    {
        private static readonly bool IsFlags = typeof(T).IsDefined(typeof(FlagsAttribute), false);
        private static readonly UInt128 Declared = Enum.GetValues<T>().Aggregate(UInt128.Zero, (all, value) => all | Bits(value));

        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Check(inner.Read(ref reader, typeToConvert, options));

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => inner.Write(writer, value, options);

        public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Check(inner.ReadAsPropertyName(ref reader, typeToConvert, options));

        public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            inner.WriteAsPropertyName(writer, value, options);

        private static T Check(T value) => Enum.IsDefined(value) || (IsFlags && (Bits(value) & ~Declared) == 0)
            ? value
            : throw new JsonException(
                $"{value:D} is no value of {typeof(T).Name}: it declares {string.Join(", ", Enum.GetNames<T>().Take(20))}.");

        private static UInt128 Bits(T value) =>
            ulong.TryParse(value.ToString("D"), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
            ? bits
            : (ulong)long.Parse(value.ToString("D"), CultureInfo.InvariantCulture);
    }
}
