using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Beear.Runtime;

namespace Beear.Cli;

/// <summary>The PyTorch of this machine's Python.</summary>
internal static partial class InstalledPyTorch
{
    /// <summary>Asks without importing it, which takes seconds.</summary>
    private const string Question =
        "import importlib.util, os; found = importlib.util.find_spec('torch'); print(os.path.join(os.path.dirname(found.origin), "
            + "'lib') if found else '')";

    /// <summary>The folder of its libraries, or null where there is none.</summary>
    /// <param name="pythons">Programs to ask; python3 and python if none is given.</param>
    public static string? Find(params string[] pythons) =>
        (pythons.Length > 0 ? pythons : ["python3", "python"]).Select(Ask).FirstOrDefault(folder => folder is not null);

    /// <summary>The same, but only a build for CUDA of a version that fits; null where there is none.</summary>
    /// <param name="pythons">Programs to ask; python3 and python if none is given.</param>
    public static string? FindForCuda(params string[] pythons) => Find(pythons) is { } folder && IsForCuda(folder) ? folder : null;

    /// <summary>Tells by its files, as a libtorch that was loaded once cannot be replaced.</summary>
    private static bool IsForCuda(string folder)
    {
        string version = Path.Combine(folder, "..", "version.py");
        return Directory.EnumerateFiles(folder, "*torch_cuda.*").Any() && File.Exists(version)
            && Fitting().IsMatch(File.ReadAllText(version));
    }

    /// <summary>The versions of <see cref="TorchRuntime.FittingVersions"/>, as version.py names them: '2.10.0+cu126'.</summary>
    [GeneratedRegex(@"^__version__\s*=\s*['""]2\.1[01]\.", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Fitting();

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
