using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Xunit.Sdk;

namespace Beear.Tests;

/// <summary>Runs reference implementations that are JavaScript.</summary>
internal static class NodeProcess
{
    /// <summary>
    /// Runs a script of tests/npm with a JSON object as its input and returns the one that it writes; skips the test without node.
    /// </summary>
    public static JsonObject Run(string script, JsonObject input)
    {
        var start = new ProcessStartInfo("node", [script])
        {
            WorkingDirectory = Path.Combine(Fixtures.Root, "tests", "npm"),
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw SkipException.ForSkip("node is not installed");
        }
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input.ToJsonString());
            process.StandardInput.Close();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors.Result);
            return JsonNode.Parse(output.Result)!.AsObject();
        }
    }
}
