using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace Beear.Tests;

/// <summary>The folders of src/Beear are namespaces in an order of dependence: each uses only those before it.</summary>
public class ArchitectureTests
{
    private const string Root = "Beear";

    private static readonly string[] Order =
    [
        "Runtime", "Hub", "Kernels", "Text", "Checkpoints", "Models", "Data", "Behaviours", "Generation", "Training", "Attacks", "Mitigation", "Evaluation",
    ];

    private static readonly Lazy<Architecture> Library = new(() => new ArchLoader().LoadAssemblies(typeof(BeearException).Assembly).Build());

    [Fact]
    public void Every_folder_uses_only_those_before_it() => Assert.Equal("", string.Join("\n", Violations(Order)));

    [Fact]
    public void A_wrong_order_is_noticed()
    {
        string[] wrong = ["Runtime", "Kernels", "Training", .. Order.Except(["Runtime", "Kernels", "Training"])];

        Assert.Contains(Violations(wrong), violation => violation.StartsWith("Beear.Training.FineTuning uses Beear.Models.Decoder", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_folder_has_its_place_in_the_order()
    {
        var folders = Directory.GetDirectories(Path.Combine(Fixtures.Root, "src", "Beear"))
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Any())
            .Select(folder => Path.GetFileName(folder)!).Where(name => name is not ("bin" or "obj"));

        Assert.Empty(folders.Except(Order));
    }

    [Fact]
    public void Every_file_is_in_the_namespace_of_its_folder()
    {
        var source = Path.Combine(Fixtures.Root, "src");
        var misplaced = from file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
                        let folder = Path.GetRelativePath(source, Path.GetDirectoryName(file)!)
                        let wanted = folder.Replace(Path.DirectorySeparatorChar, '.')
                        where !$"{wanted}.".Contains(".obj.", StringComparison.Ordinal) && !$"{wanted}.".Contains(".bin.", StringComparison.Ordinal)
                        where !File.ReadLines(file).Any(line => line == $"namespace {wanted};")
                        select Path.GetRelativePath(source, file);

        Assert.Empty(misplaced);
    }

    /// <summary>Uses of a folder by one that stands before it; the root namespace stands before all.</summary>
    private static IReadOnlyList<string> Violations(string[] order) =>
    [
        .. from type in Library.Value.Types
           let user = Place(order, type)
           where user is not null
           from target in type.Dependencies.Select(dependency => dependency.Target).Distinct()
           where target is not GenericParameter                          // a loader that met a T before takes it for the same one
           let used = Place(order, target)
           where used is not null && used > user
           orderby type.FullName, target.FullName
           select $"{type.FullName} uses {target.FullName}",
    ];

    /// <summary>The position of a type's folder: −1 for the root namespace, null for what is not the library's.</summary>
    private static int? Place(string[] order, IType type)
    {
        var parts = (type.Namespace?.FullName ?? "").Split('.');
        if (parts[0] != Root) return null;
        return parts.Length == 1 ? -1 : Array.IndexOf(order, parts[1]);
    }
}
