using System.Diagnostics;
using System.Net.Sockets;
using ActorStreams.Storage.Postgres;
using Npgsql;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>
/// A PgBouncer in transaction mode before a PostgreSQL server, with two connections for all clients, so that consecutive transactions of a
/// client are likely to meet different ones. It ends with the test process: a shell stops it when the shell's input closes.
/// </summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    // $1 is the configuration.
    private const string Keeper = """
        exec 3<&0
        pgbouncer -q "$1" </dev/null 3<&- &
        pooler=$!
        { cat <&3 >/dev/null; kill $pooler; } &
        wait $pooler
        """;

    private readonly TemporaryDirectory _directory = new();
    private readonly Process _keeper;
    private readonly int _port = Ports.Free();

    private PgBouncer(PostgresServer server, string ignored)
    {
        var file = _directory.File("pgbouncer.ini");
        var password = PostgresServer.Password.Replace("'", "''", StringComparison.Ordinal);
        File.WriteAllText(file, $"""
            [databases]
            * = host=127.0.0.1 port={server.Port} user={PostgresServer.SuperUser} password='{password}'
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {_port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 2
            ignore_startup_parameters = {ignored}
            """);
        var start = PostgresServer.AsUser("sh", "-c", Keeper, "keeper", file);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_directory.Path, (UnixFileMode)0b111_101_101); // its user is not that of the tests
        start.RedirectStandardError = true;
        _keeper = Process.Start(start)!;
    }

    /// <summary>Starts one; skips the test where there is none.</summary>
    /// <param name="server">The server behind it.</param>
    /// <param name="ignored">Parameters of a session that it drops instead of refusing them.</param>
    public static async Task<PgBouncer> StartAsync(PostgresServer server, string ignored = "extra_float_digits")
    {
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin"];
        Assert.SkipUnless(
            places.Any(place => File.Exists(Path.Combine(place, "pgbouncer"))),
            "There is no pgbouncer. Install the Debian package of this name.");
        var pooler = new PgBouncer(server, ignored);
        for (var i = 0; !await pooler.AnswersAsync(); i++)
        {
            if (pooler._keeper.HasExited)
                Assert.Fail($"PgBouncer did not start. {await pooler._keeper.StandardError.ReadToEndAsync()}");
            Assert.True(i < 600, "PgBouncer does not answer.");
            await Task.Delay(20);
        }

        return pooler;
    }

    /// <summary>The same database, by way of the pooler.</summary>
    public PostgresOptions Before(PostgresOptions options, bool transactionPooling = true) => new()
    {
        ConnectionString = new NpgsqlConnectionStringBuilder(options.ConnectionString) { Port = _port }.ConnectionString,
        TransactionPooling = transactionPooling,
        CommandTimeoutSeconds = 60,
    };

    public async ValueTask DisposeAsync()
    {
        _keeper.StandardInput.Close();
        await _keeper.WaitForExitAsync();
        _keeper.Dispose();
        NpgsqlConnection.ClearAllPools();
        _directory.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
