using System.CommandLine;
using Beear.Cli;
using Beear.Hub;

namespace Beear.Tests.Cli;

/// <summary>One run of the program inside the test's process.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CliRun(int Code, string Output, string Error)
{
    /// <summary>Runs the program as it is.</summary>
    public static CliRun Of(params string[] args) => Of(args, command: null);

    /// <summary>Runs the program as it is, with another hub.</summary>
    public static CliRun Of(string[] args, Func<HubSettings> hub) => Of(args, command: null, hub: hub);

    /// <summary>Runs the program with what a test needs changed.</summary>
    public static CliRun Of(string[] args, Func<CommandSession, Command>? command, string input = "",
        Func<HubSettings>? hub = null, CancellationToken cancellation = default)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var session = new CommandSession(new StringReader(input), output, error, cancellation)
        {
            ThrowsUnexpected = true,
            Hub = hub ?? NoHub
        };
        var code = command is null ? Program.Run(args, session) : Program.Run(args, session, [command(session)]);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    /// <summary>Tests ask no server but their own.</summary>
    private static HubSettings NoHub() => new() { CacheDirectory = Path.Combine(Path.GetTempPath(), "beear-test-no-hub"), Offline = true };
}
