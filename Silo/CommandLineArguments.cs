using ActorStreams.Hosting.Settings;

namespace ActorStreams.Silo;

/// <summary>Refuses arguments that nothing reads, as a misspelt <c>--url</c>, which would otherwise be ignored.</summary>
internal static class CommandLineArguments
{
    /// <summary>What the program itself reads, and of the framework what has no section.</summary>
    private static readonly string[] Options =
    [
        "urls", "settings", "data", "rebuild", "end", "migrate", "help", "environment", "contentRoot", "applicationName", "http_ports",
        "https_ports", "AllowedHosts",
    ];

    /// <summary>Sections of the framework's, whose members are not known here.</summary>
    private static readonly string[] OtherSections = ["Logging", "Kestrel", "Metrics", "OpenTelemetry"];

    // Options that take no value.
    private static readonly string[] Switches = ["rebuild", "end", "migrate", "help"];

    /// <summary>Checks the names of all arguments. Settings of our sections are checked when they are bound.</summary>
    /// <exception cref="ArgumentException">One is not known; the message names the one that was probably meant.</exception>
    internal static void Check(string[] args)
    {
        if (args.Contains("--end") && !args.Contains("--rebuild"))
            throw new ArgumentException("--end belongs to --rebuild: without it there is nothing after which to end.");
        for (var i = 0; i < args.Length; i++)
        {
            var arg = args[i];
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                throw new ArgumentException(
                    $"'{arg}' is no option. Options have the form --NAME VALUE or --Section:Name VALUE; --help lists them.");
            }

            var name = arg[2..].Split('=', 2)[0];
            if (!IsKnown(name))
            {
                var (first, isSetting) = (name.Split(':')[0], name.Contains(':', StringComparison.Ordinal));
                var meant = UnknownSettings.Nearest(first, isSetting ? UnknownSettings.SectionNames.Concat(OtherSections) : Options);
                var suggestion = meant is null ? "" : $" Did you mean --{meant}{name[first.Length..]}?";
                throw new ArgumentException($"There is no option --{name}.{suggestion} --help lists them.");
            }

            if (!arg.Contains('=', StringComparison.Ordinal) && !Switches.Contains(name))
                i++;
        }
    }

    private static bool IsKnown(string name) => Options.Contains(name, StringComparer.OrdinalIgnoreCase)
        || (name.IndexOf(':', StringComparison.Ordinal) is var colon && colon > 0
            && UnknownSettings.SectionNames.Concat(OtherSections).Contains(name[..colon], StringComparer.OrdinalIgnoreCase))
        || name.StartsWith("OTEL_", StringComparison.Ordinal);
}
