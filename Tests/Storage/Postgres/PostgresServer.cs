using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Tests.Security;
using Npgsql;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>
/// A PostgreSQL server of its own on a scratch directory and a free port, as durable as a real one (fsync is on: tests kill it). It ends
/// with the test process, however that ends: a shell holds it, and stops it when the shell's input closes.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string SuperUser = "postgres";

    // $1 is the program directory, $2 the scratch directory, $3 the port. What is after 'wait' runs when the server was stopped by other
    // hands. The signal is repeated: a server that is only just starting ignores it.
    private const string Keeper = """
        exec 3<&0
        "$1/postgres" -D "$2/data" -p "$3" </dev/null >>"$2/log" 2>&1 &
        server=$!
        { cat <&3 >/dev/null; trap '' TERM; while kill -QUIT $server; do sleep 0.1; done; rm -rf "$2"; } 2>/dev/null &
        watcher=$!
        wait $server
        kill $watcher 2>/dev/null
        """;

    private const string Settings = """
        listen_addresses = '127.0.0.1'
        shared_buffers = 64MB
        max_connections = 200
        max_wal_senders = 0
        wal_level = minimal
        """;

    private static readonly Lazy<Task<PostgresServer>> SharedServer = new(() => StartNewAsync());

    private readonly string _programs;
    private readonly string _directory;
    private Process? _keeper;
    private int _databases;

    private PostgresServer(string programs, string directory) => (_programs, _directory) = (programs, directory);

    internal int Port { get; private set; } = Ports.Free();

    /// <summary>The one that all tests share which do not stop it.</summary>
    public static Task<PostgresServer> SharedAsync() => SharedServer.Value;

    /// <summary>A new one, for tests that stop it.</summary>
    /// <param name="certificate">Its certificate, if it is to speak TLS.</param>
    internal static async Task<PostgresServer> StartNewAsync(TestCertificate? certificate = null)
    {
        var programs = Programs();
        var directory = Directory.CreateTempSubdirectory("actorstreams-postgres-").FullName;
        var server = new PostgresServer(programs, directory);
        await File.WriteAllTextAsync(Path.Combine(directory, "password"), Password);
        foreach (var (from, to) in certificate is null
            ? []
            : new[] { (certificate.CertificateFile, "server.crt"), (certificate.KeyFile, "server.key") })
        {
            File.Copy(from, Path.Combine(directory, to));
            await RunAsync("chmod", "600", Path.Combine(directory, to));
        }

        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", "-R", SuperUser, directory);
        await server.RunAsUserAsync(
            "initdb", "-D", $"{directory}/data", "-U", SuperUser, "-A", "scram-sha-256", "--pwfile", $"{directory}/password",
                "-E", "UTF8", "--locale=C", "--no-sync");
        var tls = certificate is null
            ? ""
            : $"ssl = on\nssl_cert_file = '{directory}/server.crt'\nssl_key_file = '{directory}/server.key'\n";
        await File.AppendAllTextAsync($"{directory}/data/postgresql.conf", $"{Settings}\nunix_socket_directories = '{directory}'\n{tls}");
        try
        {
            await server.StartAsync();
        }
        catch (Xunit.Sdk.FailException error) when (error.Message.Contains("Address already in use", StringComparison.Ordinal))
        {
            // Another process was quicker to take the port.
            server.Port = Ports.Free();
            await server.StartAsync();
        }

        return server;
    }

    /// <summary>The super-user's password, which nothing may print.</summary>
    public static string Password { get; } = $"secret;'{Guid.NewGuid():n}";

    public async Task StartAsync()
    {
        var start = AsUser("sh", "-c", Keeper, "keeper", _programs, _directory, $"{Port}");
        start.RedirectStandardError = true;
        _keeper = Process.Start(start)!;
        // pg_isready asks until there is an answer: starting after a crash takes a while.
        for (var i = 0; ; i++)
        {
            using var asked = Process.Start(new ProcessStartInfo(Path.Combine(_programs, "pg_isready"))
            {
                ArgumentList = { "-q", "-h", "127.0.0.1", "-p", $"{Port}" },
            })!;
            await asked.WaitForExitAsync();
            if (asked.ExitCode == 0)
                return;
            if (_keeper.HasExited)
                Assert.Fail($"PostgreSQL did not start. {await _keeper.StandardError.ReadToEndAsync()} {await LogAsync()}");
            Assert.True(i < 1_200, $"PostgreSQL does not become ready. {await LogAsync()}");
            await Task.Delay(50);
        }
    }

    /// <summary>Stops the server: <c>fast</c> in order, <c>immediate</c> as a crash would.</summary>
    public async Task StopAsync(string mode = "fast")
    {
        await RunAsUserAsync("pg_ctl", "stop", "-w", "-m", mode, "-D", $"{_directory}/data");
        await _keeper!.WaitForExitAsync();
        _keeper.Dispose();
        _keeper = null;
    }

    /// <summary>A new, empty database.</summary>
    public async Task<PostgresOptions> NewDatabaseAsync()
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync(Options("postgres"), $"CREATE DATABASE {name}");
        return Options(name);
    }

    /// <summary>A new database with all tables.</summary>
    public async Task<PostgresOptions> NewSchemaAsync()
    {
        var options = await NewDatabaseAsync();
        await PostgresSchema.MigrateAsync(options);
        return options;
    }

    public static async Task<object?> ExecuteAsync(PostgresOptions options, string sql)
    {
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString) { Pooling = false, SearchPath = options.Schema };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_keeper is not null)
            await StopAsync("immediate");
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>What the server wrote to its log.</summary>
    public async Task<string> LogAsync() =>
        File.Exists($"{_directory}/log") ? await File.ReadAllTextAsync($"{_directory}/log") : "It has no log.";

    /// <summary>A database of it, as the super-user.</summary>
    internal PostgresOptions Options(string database) => new()
    {
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = Port, Database = database, Username = SuperUser, Password = Password,
        }.ConnectionString,
    };

    private static string Programs()
    {
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(directory => Path.Combine(directory, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "initdb")))
            : [];
        var newest = found.MaxBy(bin => int.Parse(Path.GetFileName(Path.GetDirectoryName(bin)!), CultureInfo.InvariantCulture));
        const string None = "There is no PostgreSQL under /usr/lib/postgresql. Install the Debian package postgresql.";
        Needed.That(newest is not null, None);
        return newest!;
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    internal static ProcessStartInfo AsUser(string program, params string[] arguments)
    {
        string[] command = Environment.IsPrivilegedProcess
            ? ["runuser", "-u", SuperUser, "--", program, .. arguments]
            : [program, .. arguments];
        // Its input is held open by this process alone. A working directory that the user may enter.
        return new(command[0], command[1..]) { RedirectStandardInput = true, WorkingDirectory = "/" };
    }

    private async Task RunAsUserAsync(string program, params string[] arguments)
    {
        var start = AsUser(Path.Combine(_programs, program), arguments);
        await RunAsync(start);
    }

    private static Task RunAsync(string program, params string[] arguments) => RunAsync(new ProcessStartInfo(program, arguments));

    private static async Task RunAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}: {await output} {await error}");
    }
}
