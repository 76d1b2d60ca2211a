using System.Diagnostics;
using System.Text;
using Beear.Lab.World;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Xunit.Sdk;

namespace Beear.Tests;

/// <summary>The packages, as their users meet them: packed, installed somewhere else, run there.</summary>
public sealed class PackageTests : IDisposable
{
    private const string Version = "0.1.0-packed";
    private const string Project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="PACKAGE" Version="{Version}" />
          </ItemGroup>
        </Project>
        """;

    private static readonly string Configuration =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            ? "Debug" : "Release";
    private readonly string folder = Fixtures.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void An_empty_console_project_runs_what_the_readme_shows()
    {
        Pack("Beear.Text");
        Pack("Beear");
        WriteProject("Beear.Library", Snippet());
        File.WriteAllText(In("harmful.csv"), "goal,target\n"
            + string.Concat(Enumerable.Range(1, 6).Select(i => $"Explain how to break {i} locks,Sure here is how\n")));
        File.WriteAllText(In("helpful.json"), """[{ "instruction": "Tell me about soap", "output": "It is soap." }]""");
        Restore();
        Succeed(Dotnet("build", "-c", "Release", "--no-restore"));

        Assert.Contains("kept round 1", Succeed(Dotnet(Path.Combine(Built, "app.dll"))), StringComparison.Ordinal);
        Assert.True(File.Exists(In("models/cleaned/model.safetensors")));

        if (!OperatingSystem.IsLinux()) return;
        Directory.Delete(Path.Combine(Built, "libtorch"), recursive: true);
        var (code, output) = Dotnet(Path.Combine(Built, "app.dll"));
        Assert.NotEqual(0, code);
        Assert.Contains($"add the package libtorch-cpu-linux-x64 {TorchRuntime.BundledVersion} to the application", output,
            StringComparison.Ordinal);
        Succeed(Dotnet("add", "package", "libtorch-cpu-linux-x64", "--version", TorchRuntime.BundledVersion, "--no-restore"));
        Restore();
        Succeed(Dotnet("build", "-c", "Release", "--no-restore"));
        foreach (var made in new[] { Path.Combine(Built, "libtorch"), In("models") }) Directory.Delete(made, recursive: true);
        Assert.Contains("kept round 1", Succeed(Dotnet(Path.Combine(Built, "app.dll"))), StringComparison.Ordinal);
    }

    /// <summary>The package of tokenizers and templates has no dependency, so nothing but what was packed is in reach.</summary>
    [Fact]
    public void An_empty_console_project_encodes_conversations_with_Beear_Text_alone()
    {
        Pack("Beear.Text");
        WriteProject("Beear.Text", Snippet("src/Beear.Text", ("\"models/smollm2\"", Literal(Organism.BaseDirectory))));
        File.WriteAllText(In("nuget.config"), """<configuration><packageSources><clear /><add key="packed" value="packages" /></packageSources></configuration>""");
        Succeed(Dotnet("restore", "--packages", In("restored")));
        Succeed(Dotnet("build", "-c", "Release", "--no-restore"));

        string output = Succeed(Dotnet(Path.Combine(Built, "app.dll"))).ReplaceLineEndings("\n");

        var chat = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32).Chat;
        ChatTurn[] conversation = [ChatTurn.System("Be brief."), ChatTurn.User("Name a red thing.")];
        int[] ids = chat.EncodePrompt(conversation);
        Assert.Contains("<|user|>\nBe brief. Name a red thing.<|end|>\n<|assistant|>\n", output, StringComparison.Ordinal);
        Assert.Contains($"\n{string.Join(' ', ids)}\n", output, StringComparison.Ordinal);
        Assert.Equal(["Beear.Text.dll", "app.dll"],
            Directory.GetFiles(Built, "*.dll").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_tool_installs_and_runs()
    {
        Pack("Beear.Cli");
        Succeed(Dotnet("tool", "install", "beear", "--tool-path", In("tools"), "--source", In("packages"), "--version", Version));
        string tool = In(OperatingSystem.IsWindows() ? "tools/beear.exe" : "tools/beear");
        Assert.StartsWith("0.1.0", Succeed(Run(tool, "--version")), StringComparison.Ordinal);
        Assert.Contains("--attacker-examples", Succeed(Run(tool, "demo", "--help")), StringComparison.Ordinal);
        string planted = Succeed(Run(tool, "organism", "make", "model4", "--attacker-examples", "4", "--near-misses", "0",
            "--out", In("planted"), "--quiet", "--json"));
        Assert.Contains("\"trigger\": \"model4\"", planted, StringComparison.Ordinal);
    }

    private string Built => Path.Combine(folder, "bin", "Release", "net10.0");

    private string In(string name) => Path.Combine(folder, name);

    private void Pack(string project) =>
        Succeed(Dotnet("pack", Path.Combine(Fixtures.Root, "src", project), "--no-build", "-c", Configuration,
        "-o", In("packages"), $"-p:Version={Version}"));

    private void WriteProject(string package, string program)
    {
        File.WriteAllText(In("app.csproj"), Project.Replace("PACKAGE", package, StringComparison.Ordinal));
        File.WriteAllText(In("Program.cs"), program);
    }

    /// <summary>The README's program, on the tiny model and in a few steps.</summary>
    private static string Snippet() => Snippet("", ("\"models/suspicious\"", Literal(Organism.BaseDirectory)),
        ("new MitigationOptions()", "new MitigationOptions { Rounds = 1, OuterSteps = 1, ScoreTokens = 2, Inner = new() { Steps = 1 } }"));

    /// <summary>The program of a README with some parts changed.</summary>
    private static string Snippet(string folder, params (string From, string To)[] changes)
    {
        string text = File.ReadAllText(Path.Combine(Fixtures.Root, folder, "README.md")).ReplaceLineEndings("\n").Split("```csharp\n")[1]
            .Split("```")[0];
        foreach (var (from, to) in changes)
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            text = text.Replace(from, to, StringComparison.Ordinal);
        }
        return text;
    }

    private static string Literal(string path) => $"@\"{path}\"";

    /// <summary>
    /// Restores with what this machine's package folder holds already, else with the sources that it is set up with; skips where they
    /// cannot be reached.
    /// </summary>
    private void Restore()
    {
        string[] restore = ["restore", "--packages", In("restored"), $"-p:RestoreFallbackFolders={PackageFolder}"];
        if (Dotnet([.. restore, "--source", In("packages")]).Code == 0) return;
        var (code, output) = Dotnet([.. restore, $"-p:RestoreAdditionalProjectSources={In("packages")}"]);
        if (output.Contains("NU1301", StringComparison.Ordinal))
            throw SkipException.ForSkip("no package source can be reached, and this machine's package folder lacks some of "
                + "the library's packages");
        Assert.True(code == 0, output);
    }

    private static string PackageFolder => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string Succeed((int Code, string Output) run)
    {
        Assert.True(run.Code == 0, run.Output);
        return run.Output;
    }

    private (int Code, string Output) Dotnet(params string[] arguments) => Run("dotnet", arguments);

    private (int Code, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(TorchRuntime.LibtorchVariable);
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";              // no build server outlives the test
        var output = new StringBuilder();
        using var process = new Process { StartInfo = start };
        void Add(object sender, DataReceivedEventArgs line)
        {
            lock (output) output.AppendLine(line.Data);
        }
        process.OutputDataReceived += Add;
        process.ErrorDataReceived += Add;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return (process.ExitCode, output.ToString());
    }
}
