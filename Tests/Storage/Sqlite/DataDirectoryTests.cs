using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Tests.Storage.Sqlite;

public sealed class DataDirectoryTests
{
    [Fact]
    public void A_directory_has_one_owner_at_a_time()
    {
        using var parent = new TemporaryDirectory();
        var path = parent.File("data");
        using (DataDirectory.Open(path))
        {
            var error = Assert.Throws<DataDirectoryInUseException>(() => DataDirectory.Open(path));
            Assert.Equal(
                $"The data directory '{path}' is in use by process {Environment.ProcessId}. "
                + "Stop that process, or give this one another directory.", error.Message);
        }

        using var again = DataDirectory.Open(path);
        Assert.Equal(Path.Combine(path, "log"), again.FilePath("log"));
    }
}
