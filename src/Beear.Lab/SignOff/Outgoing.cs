using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>What goes out with a cleaned model: a check of the default policy, a bill of materials, and the model with its card.</summary>
internal static class Outgoing
{
    /// <summary>The check's file.</summary>
    public const string CheckFile = "junit.xml";

    /// <summary>Writes what lies beside the model.</summary>
    /// <param name="folder">The folder that gets it.</param>
    /// <param name="evidence">What is known of the model.</param>
    /// <param name="lines">The policy's bars.</param>
    /// <param name="model">Where the cleaned model lies.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void Write(string folder, Evidence evidence, IReadOnlyList<PolicyLine> lines, string model)
    {
        JUnitReport.Write(Path.Combine(folder, CheckFile), lines);
        MachineLearningBom.Write(folder, evidence, model);
    }

    /// <summary>Copies the model and adds its card: all of it is there, or nothing.</summary>
    /// <param name="target">A folder that does not exist yet.</param>
    /// <param name="evidence">What is known of the model.</param>
    /// <param name="model">Where the cleaned model lies.</param>
    /// <param name="suspicious">Where the suspicious model lies, perhaps with a card.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void WriteModel(string target, Evidence evidence, string model, string suspicious) =>
        AtomicOutput.WriteDirectory(target, folder =>
        {
            foreach (string file in Names(model))
            {
                string copy = Path.Combine(folder, file);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(Path.Combine(model, file), copy);
            }
            File.WriteAllText(Path.Combine(folder, ModelCard.FileName),
                ModelCard.Of(evidence, OriginalCard.Of(suspicious, ModelName.Of(evidence).Hub)));
        });

    /// <summary>A model's files with their SHA-256, in the order of their names.</summary>
    public static IReadOnlyList<(string Name, string Sha256)> Files(string model) =>
    [
        .. Names(model).Select(name => (Name: name.Replace(Path.DirectorySeparatorChar, '/'), Fingerprints.Of(Path.Combine(model, name))))
            .OrderBy(file => file.Name, StringComparer.Ordinal),
    ];

    private static IEnumerable<string> Names(string model) =>
        Directory.EnumerateFiles(model, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(model, file));
}
