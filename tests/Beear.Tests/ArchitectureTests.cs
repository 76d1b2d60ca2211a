using System.Text.RegularExpressions;
using System.Xml.Linq;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Microsoft.Extensions.AI;
using Assembly = System.Reflection.Assembly;

namespace Beear.Tests;

/// <summary>Projects use only those before them, and so do the folders of a library, which are its namespaces.</summary>
public class ArchitectureTests
{
    private const string Root = "Beear";

    /// <summary>The projects under src.</summary>
    private static readonly string[] Projects = ["Beear.Text", "Beear", "Beear.Lab", "Beear.Server", "Beear.Cli"];

    /// <summary>The folders of src/Beear.Text.</summary>
    private static readonly string[] TextOrder = ["Runtime", "Text"];

    /// <summary>The folders of src/Beear.</summary>
    private static readonly string[] Order =
        ["Runtime", "Hub", "Kernels", "Checkpoints", "Models", "Data", "Behaviours", "Generation", "Training", "Attacks",
            "Mitigation", "Evaluation"];

    /// <summary>A message of another failure with our own punctuation behind it.</summary>
    private static readonly Regex ContinuedMessage =
        new(@"\.Message\}[.;,)]", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    /// <summary>The beginnings of lines that may be longer: of texts that are sent to a model, where a line break would be sent too.</summary>
    private static readonly (string File, string Start)[] Sent =
    [
        ("Beear/Evaluation/HarmfulnessJudge.cs", "Harmful is what helps with violence, "),
        ("Beear/Evaluation/JudgePrompt.cs", "What stands between a line that ends in "),
        ("Beear/Evaluation/JudgePrompt.cs", "Give your reasons in at most three sentences. "),
    ];

    private static readonly Lazy<Architecture> TextLibrary =
        new(() => new ArchLoader().LoadAssemblies(Assembly.Load("Beear.Text")).Build());
    private static readonly Lazy<Architecture> Library = new(() => new ArchLoader().LoadAssemblies(Assembly.Load("Beear")).Build());

    public static TheoryData<string> ProjectNames => [.. Projects];

    [Theory, MemberData(nameof(ProjectNames))]
    public void A_project_uses_only_those_before_it(string project)
    {
        var ours = Assembly.Load(project).GetReferencedAssemblies().Select(used => used.Name!).Where(IsOurs);

        Assert.Empty(ours.Except(Projects.TakeWhile(other => other != project)));
    }

    [Fact]
    public void Every_project_has_its_place_in_the_order() =>
        Assert.Equal(Projects.Order(StringComparer.Ordinal),
            Directory.GetDirectories(Source()).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    /// <summary>The tokenizers and templates are a package of their own: the runtime is all that they need.</summary>
    [Fact]
    public void Beear_Text_uses_no_package() =>
        Assert.All(Assembly.Load("Beear.Text").GetReferencedAssemblies(), used =>
            Assert.StartsWith("System.", used.Name, StringComparison.Ordinal));

    /// <summary>A program that talks with a model through its chat client has both usings.</summary>
    [Fact]
    public void No_public_name_is_one_of_Microsoft_Extensions_AI_too()
    {
        var theirs = typeof(IChatClient).Assembly.GetExportedTypes().Where(type => !type.IsNested).Select(type => type.Name);
        string[] ours = [.. new[] { "Beear.Text", "Beear" }.SelectMany(library => Assembly.Load(library).GetExportedTypes())
            .Select(type => type.Name)];

        Assert.Contains("ChatFormat", ours);
        Assert.Empty(ours.Intersect(theirs));
    }

    /// <summary>A program that embeds the library has to find its way; what it does not need is internal.</summary>
    [Fact]
    public void The_library_has_90_public_types_at_most() =>
        Assert.InRange(Assembly.Load("Beear").GetExportedTypes().Length, 1, 90);

    [Fact]
    public void Every_folder_uses_only_those_before_it() =>
        Assert.Equal("", string.Join("\n", Violations(TextLibrary.Value, TextOrder).Concat(Violations(Library.Value, Order))));

    [Fact]
    public void A_wrong_order_is_noticed()
    {
        string[] wrong = ["Runtime", "Kernels", "Training", .. Order.Except(["Runtime", "Kernels", "Training"])];

        Assert.Contains(Violations(Library.Value, wrong), violation =>
            violation.StartsWith("Beear.Training.FineTuning uses Beear.Models.Decoder", StringComparison.Ordinal));
        Assert.Contains(Violations(TextLibrary.Value, ["Text", "Runtime"]), violation =>
            violation.StartsWith("Beear.Text.Tokenizer uses Beear.Runtime.", StringComparison.Ordinal));
    }

    [Theory, InlineData("Beear"), InlineData("Beear.Text")]
    public void Every_folder_has_its_place_in_the_order_and_every_place_a_folder(string project)
    {
        var folders = Directory.GetDirectories(Source(project))
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Any())
            .Select(folder => Path.GetFileName(folder)).Where(name => name is not ("bin" or "obj"));

        Assert.Equal((project == Root ? Order : TextOrder).Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(ProjectNames))]
    public void Every_file_is_in_the_namespace_of_its_folder(string project)
    {
        string root = XDocument.Load(Source(project, $"{project}.csproj")).Descendants("RootNamespace").SingleOrDefault()?.Value ?? project;
        var misplaced = from file in Directory.EnumerateFiles(Source(project), "*.cs", SearchOption.AllDirectories)
                        let folders = Path.GetRelativePath(Source(project), file).Split(Path.DirectorySeparatorChar)[..^1]
                        where folders is not ["bin" or "obj", ..]
                        let wanted = string.Join('.', [root, .. folders])
                        where !File.ReadLines(file).Any(line => line == $"namespace {wanted};")
                        select Path.GetRelativePath(Source(), file);

        Assert.Empty(misplaced);
    }

    /// <summary>The message of another failure ends in a full stop: where ours goes on behind it, it takes <c>Reason()</c>.</summary>
    [Fact]
    public void No_sentence_goes_on_behind_another_failures_full_stop()
    {
        string[] files = [.. Directory.EnumerateFiles(Source(), "*.cs", SearchOption.AllDirectories)];

        Assert.Contains(files, file => File.ReadAllText(file).Contains(".Reason()}.", StringComparison.Ordinal));
        Assert.Empty(from file in files
                     from line in File.ReadLines(file)
                     where ContinuedMessage.IsMatch(line)
                     select $"{Path.GetRelativePath(Source(), file)}: {line.Trim()}");
    }

    /// <summary>Characters are those of UTF-16.</summary>
    [Fact]
    public void No_line_has_more_than_140_characters()
    {
        var found = (from path in Directory.EnumerateFiles(Source(), "*", SearchOption.AllDirectories)
                     where Path.GetExtension(path) is ".cs" or ".razor" or ".css" or ".js" or ".csproj" or ".targets" or ".props"
                     let file = Path.GetRelativePath(Source(), path).Replace('\\', '/')
                     where file.Split('/') is not [_, "bin" or "obj", ..]
                     from line in File.ReadLines(path).Index()
                     where line.Item.Length > 140
                     select (File: file, Place: $"{file}:{line.Index + 1}", Text: line.Item.TrimStart())).ToList();

        var tooLong = found.Where(line => !Sent.Any(sent => IsOf(line.File, line.Text, sent))).Select(line => line.Place).ToList();
        Assert.True(tooLong.Count == 0, string.Join("\n", ["Lines with more than 140 characters:", .. tooLong]));
        Assert.All(Sent, sent => Assert.Contains(found, line => IsOf(line.File, line.Text, sent)));

        static bool IsOf(string file, string text, (string File, string Start) sent) =>
            file == sent.File && text.StartsWith(sent.Start, StringComparison.Ordinal);
    }

    private static string Source(params string[] parts) => Path.Combine([Fixtures.Root, "src", .. parts]);

    private static bool IsOurs(string assembly) => assembly == Root || assembly.StartsWith($"{Root}.", StringComparison.Ordinal);

    /// <summary>Uses of a folder by one that stands before it; the root namespace stands before all.</summary>
    private static IReadOnlyList<string> Violations(Architecture library, string[] order) => [
        .. from type in library.Types
           let user = Place(order, type)
           where user is not null
           from target in type.Dependencies.Select(dependency => dependency.Target).Distinct()
           where target is not GenericParameter                          // a loader that met a T before takes it for the same one
           let used = Place(order, target)
           where used is not null && used > user
           orderby type.FullName, target.FullName
           select $"{type.FullName} uses {target.FullName}",
    ];

    /// <summary>The position of a type's folder: −1 for the root namespace, null for what is none of the library's folders.</summary>
    private static int? Place(string[] order, IType type)
    {
        var parts = (type.Namespace?.FullName ?? "").Split('.');
        if (parts[0] != Root) return null;
        if (parts.Length == 1) return -1;
        return Array.IndexOf(order, parts[1]) is var place and >= 0 ? place : null;
    }
}
