using System.Diagnostics;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;

namespace ActorStreams.Tests.Client;

public sealed class GitTests : IDisposable
{
    private const string Odd = "tab\tline\nquote\"ü.txt";
    private readonly string _folder = Directory.CreateTempSubdirectory("actorstreams-git").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_kind_of_change_on_the_main_line_becomes_a_record()
    {
        BuildHistory();

        var changes = await ReadAsync(_folder);

        Assert.Equal(
            [
                (1, "A", "bin", null, null), (1, "A", Odd, 1L, 0L), (1, "A", "x", 2, 0),
                (3, "D", Odd, 0, 1), (3, "M", "x", 1, 0),
                (4, "A", "side", 1, 0), (5, "T", "x", 1, 3),
            ],
            changes.Select(c => ((int)c.Seq, c.Status, c.Path, c.Added, c.Deleted)));
        Assert.All(changes, c => Assert.Equal(("dev-d648b2", 9), (c.Author, c.Commit.Length)));
        Assert.Equal(1_600_000_001, changes[0].Time);
        Assert.Equal("A Name", (await ReadAsync(_folder, realNames: true))[0].Author);
    }

    [Fact]
    public async Task The_changes_add_up_to_the_files_and_lines_that_git_has()
    {
        BuildHistory();
        File.Delete(Path.Combine(_folder, "x")); // a link, whose lines are not those of the file it points at
        Git("commit", "-qam", "last");
        Dictionary<string, long?> lines = [];
        foreach (var change in await ReadAsync(_folder))
        {
            if (change.Status == "D")
                lines.Remove(change.Path);
            else
                lines[change.Path] = lines.GetValueOrDefault(change.Path, 0) + change.Added - change.Deleted;
        }

        var files = Git("ls-files", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(files.Order(StringComparer.Ordinal), lines.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(files.Where(f => f != "bin").Sum(f => File.ReadAllLines(Path.Combine(_folder, f)).Length), lines.Values.Sum());
    }

    [Fact]
    public async Task A_shallow_clone_is_read_with_a_note_and_its_first_commit_stands_for_the_rest()
    {
        BuildHistory();
        var clone = Path.Combine(_folder, "clone");
        Git("clone", "-q", "--depth", "1", $"file://{_folder}", clone);
        var source = new GitSource(clone);
        await source.OpenAsync(Token);

        Assert.Contains("shallow", source.Note);
        Assert.Equal((3, 1, 1), ((await source.ReadAsync(Token).ToListAsync(Token)).Count, source.Total, source.Done));
    }

    [Fact]
    public async Task A_folder_that_is_no_clone_or_has_no_commits_is_told()
    {
        var none = await Assert.ThrowsAsync<LoadSourceException>(() => new GitSource(_folder).OpenAsync(Token));
        Git("init", "-q");
        var empty = await Assert.ThrowsAsync<LoadSourceException>(() => new GitSource(_folder).OpenAsync(Token));

        Assert.Contains("not a git repository", none.Message);
        Assert.Contains("has no commits yet", empty.Message);
    }

    private void BuildHistory()
    {
        Git("init", "-q", "-b", "main");
        Write("x", "a\nb\n");
        Write(Odd, "q\n");
        Write("bin", "\0\u0001");
        Commit("one");
        Git("commit", "-q", "--allow-empty", "-m", "empty");
        Git("checkout", "-q", "-b", "side");
        Write("side", "s\n");
        Commit("side");
        Git("checkout", "-q", "main");
        File.AppendAllText(Path.Combine(_folder, "x"), "c\n");
        File.Delete(Path.Combine(_folder, Odd));
        Commit("two");
        Git("merge", "-q", "--no-edit", "side");
        File.Delete(Path.Combine(_folder, "x"));
        File.CreateSymbolicLink(Path.Combine(_folder, "x"), "bin");
        Commit("link");
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);

    private void Commit(string message)
    {
        Git("add", "-A");
        Git("commit", "-q", "-m", message);
    }

    private string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", _folder, .. arguments]) { RedirectStandardOutput = true };
        foreach (var who in (string[])["AUTHOR", "COMMITTER"])
        {
            start.Environment[$"GIT_{who}_NAME"] = "A Name";
            start.Environment[$"GIT_{who}_EMAIL"] = "A@b.c";
            start.Environment[$"GIT_{who}_DATE"] = "1600000001 +0200";
        }

        using var git = Process.Start(start)!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return output;
    }

    private static async Task<List<GitChange>> ReadAsync(string folder, bool realNames = false)
    {
        var source = new GitSource(folder, realNames);
        await source.OpenAsync(Token);
        return await source.ReadAsync(Token).Select(r => (GitChange)r.Value!).ToListAsync(Token);
    }
}
