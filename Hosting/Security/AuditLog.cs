using ActorStreams.Grains;
using System.Collections.Concurrent;
using ActorStreams.Hosting.Security.Listening;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// The actions of operators and their outcome, one line each, category <c>ActorStreams.Audit</c>: every request that needs
/// <c>streams.operate</c>, and every one that was refused to a caller who is known. Never a payload, a key, or a query. Pages that a
/// browser or a scraper requests again and again are logged once in a while.
/// </summary>
internal sealed partial class AuditLog(ILoggerFactory loggers, Posture posture, TimeProvider time)
{
    internal const string Category = "ActorStreams.Audit";

    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan LooksToldEvery = TimeSpan.FromMinutes(5);

    private readonly ILogger _logger = loggers.CreateLogger(Category);
    private readonly ConcurrentDictionary<(string Who, string Area, int Status), long> _looks = new();

    /// <summary>Tells of what a request did, when it is done.</summary>
    internal async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        var need = AccessRules.Of(http).Kind;
        try
        {
            await next(http);
        }
        catch (Exception error)
        {
            if (need == AccessKind.Operate)
                Tell(http, error is RequestRefusedException refused ? refused.Status : StatusCodes.Status500InternalServerError);
            throw;
        }

        var status = http.Response.StatusCode;
        if (need == AccessKind.Operate || (need == AccessKind.Metrics && status != StatusCodes.Status200OK)
            || status == StatusCodes.Status403Forbidden)
            Tell(http, status);
    }

    /// <summary>
    /// Names what a request concerns, for its line: numbers, datasets and positions; never a key, and nothing of a record.
    /// </summary>
    internal static void Concerns(HttpContext http, string what) => http.Items[typeof(AuditLog)] = what;

    /// <summary>Tells of what was done by starting the silo.</summary>
    internal static void TellOfStart(ILoggerFactory loggers, string act) =>
        LogAct(loggers.CreateLogger(Category), Caller.Printable(Environment.UserName), "this machine", "start", act, "done");

    private void Tell(HttpContext http, int status)
    {
        var (method, path) = (http.Request.Method, http.Request.Path.ToUriComponent());
        var who = Caller.Printable(Caller.SubjectOf(http.User) ?? "(unknown)");
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
        {
            // Without tokens no caller is known, so reads are not logged.
            if (!posture.NeedsToken || !IsNew((who, path.Split('/', 3)[1], status)))
                return;
        }

        var act = http.Items[typeof(AuditLog)] is string what ? $"{path} ({what})" : path;
        LogAct(_logger, who, http.Connection.RemoteIpAddress?.ToString() ?? "", method, Caller.Printable(act), Result(status));
    }

    private bool IsNew((string, string, int) look)
    {
        var now = time.GetTimestamp();
        if (_looks.TryGetValue(look, out var last) && time.GetElapsedTime(last, now) < LooksToldEvery)
            return false;
        if (_looks.Count > MaxRemembered)
            _looks.Clear();
        _looks[look] = now;
        return true;
    }

    private static string Result(int status) => status switch
    {
        StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden or StatusCodes.Status429TooManyRequests =>
            string.Create(CultureInfo.InvariantCulture, $"refused ({status})"),
        < 400 => string.Create(CultureInfo.InvariantCulture, $"done ({status})"),
        _ => string.Create(CultureInfo.InvariantCulture, $"failed ({status})"),
    };

    [LoggerMessage(
        EventName = "AdministrativeAct", Level = LogLevel.Information, Message = "{Who} from {Address}: {Method} {Act}: {Result}")]
    private static partial void LogAct(ILogger logger, string who, string address, string method, string act, string result);
}
