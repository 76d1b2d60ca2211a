using Xunit.Sdk;

namespace Beear.Tests;

/// <summary>Where reference files lie; a clone without them skips the tests that need them and says why.</summary>
internal static class Fixtures
{
    /// <summary>The repository's root: the folder that holds Beear.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of reference outputs: BEEAR_PARITY, or ../shared/parity beside the repository.</summary>
    public static string ParityFolder { get; } =
        Environment.GetEnvironmentVariable("BEEAR_PARITY") is { Length: > 0 } folder
            ? folder : Path.Combine(Root, "..", "shared", "parity");

    /// <summary>A file or folder under <see cref="ParityFolder"/>; skips the test if it is not there.</summary>
    public static string Parity(params string[] parts) => Require(Path.Combine([ParityFolder, .. parts]));

    /// <summary>A file or folder under ../shared; skips the test if it is not there.</summary>
    public static string Shared(params string[] parts) => Require(Path.Combine([Root, "..", "shared", .. parts]));

    /// <summary>A file of a package that tests/npm pins; skips the test if it is not installed.</summary>
    public static string NpmPackage(string package, string file)
    {
        string path = Path.Combine(Root, "tests", "npm", "node_modules", package, file);
        if (!File.Exists(path))
            throw SkipException.ForSkip($"the npm package {package} is not here: run 'npm ci' in tests/npm, or see "
                + $"{Path.GetFullPath(path)}");
        return path;
    }

    /// <summary>A new empty folder for one test; it goes when the tests end.</summary>
    public static string TemporaryFolder() =>
        Directory.CreateDirectory(Path.Combine(TemporaryRoot.Value, Guid.NewGuid().ToString("N"))).FullName;

    private static readonly Lazy<string> TemporaryRoot = new(() =>
    {
        var root = Directory.CreateTempSubdirectory("beear-test-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        return root;
    });

    private static string Require(string path)
    {
        if (!Path.Exists(path))
            throw SkipException.ForSkip($"reference files are not here: {Path.GetFullPath(path)}");
        return path;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Beear.slnx"))) return folder.FullName;
        }
        throw new InvalidOperationException("Beear.slnx was not found above the test binaries.");
    }

    /// <summary>Where a program lies; null if it is not on PATH.</summary>
    public static string? OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
