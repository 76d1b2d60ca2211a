using System.ComponentModel;
using System.Diagnostics;

namespace Beear.Cli;

/// <summary>The PyTorch of this machine's Python.</summary>
internal static class InstalledPyTorch
{
    /// <summary>Asks without importing it, which takes seconds.</summary>
    private const string Question =
        "import importlib.util, os; found = importlib.util.find_spec('torch'); print(os.path.join(os.path.dirname(found.origin), "
            + "'lib') if found else '')";

    /// <summary>The folder of its libraries, or null where there is none.</summary>
    /// <param name="pythons">Programs to ask; python3 and python if none is given.</param>
    public static string? Find(params string[] pythons) =>
        (pythons.Length > 0 ? pythons : ["python3", "python"]).Select(Ask).FirstOrDefault(folder => folder is not null);

    private static string? Ask(string python)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(python, ["-c", Question])
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true
                })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            string folder = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 && Directory.Exists(folder) ? folder : null;
        }
        catch (Win32Exception)
        {
            return null;                                                 // there is no such program
        }
    }
}
