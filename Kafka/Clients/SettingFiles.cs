using System.Security.Cryptography;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// The files that settings name: those whose content is a value (<c>.file</c>), and those that librdkafka reads itself
/// (<c>.location</c>). They are compared by content, since Kubernetes replaces mounted files by links, whose times do not change.
/// </summary>
internal static class SettingFiles
{
    /// <summary>A setting whose name ends so takes its value from a file.</summary>
    public const string ValueSuffix = ".file";

    private const string LocationSuffix = ".location";

    /// <summary>What all files hold, as a digest.</summary>
    public static string Digest(KafkaOptions options) => Digest(options, name => IsValue(name) || IsLocation(name));

    /// <summary>What the files hold that librdkafka reads when a client is made, as a digest.</summary>
    public static string LocationDigest(KafkaOptions options) => Digest(options, IsLocation);

    private static bool IsValue(string name) => name.EndsWith(ValueSuffix, StringComparison.Ordinal);

    private static bool IsLocation(string name) => name.EndsWith(LocationSuffix, StringComparison.Ordinal);

    private static string Digest(KafkaOptions options, Func<string, bool> isMeant)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var paths = options.Settings.Concat(options.Consumer).Concat(options.Producer).Where(setting => isMeant(setting.Key))
            .Select(setting => setting.Value).Distinct(StringComparer.Ordinal);
        foreach (var file in paths.SelectMany(FilesOf).Order(StringComparer.Ordinal))
        {
            digest.AppendData(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(file)));
            digest.AppendData(SHA256.HashData(Read(file)));
        }

        return Convert.ToHexString(digest.GetHashAndReset());
    }

    /// <summary>A location may be a directory of certificates.</summary>
    private static IEnumerable<string> FilesOf(string path)
    {
        try
        {
            return Directory.Exists(path) ? Directory.GetFiles(path) : [path];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [path];
        }
    }

    /// <summary>A file that cannot be read counts as empty: where it is needed, the settings that are read next report it.</summary>
    private static byte[] Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }
}
