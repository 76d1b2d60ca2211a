using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>Signs the files of a folder as OpenSSF's model-signing 1.0 does, and writes the signature.</summary>
internal static class FolderSigning
{
    /// <summary>What belongs to a version control and not to a model; the reference leaves it out too.</summary>
    private static readonly string[] Git = [".git", ".gitattributes", ".github", ".gitignore"];

    /// <summary>Signs a folder; a signature that exists is replaced when the new one is complete.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="signature">The file to write; inside the folder it is left out of what is signed.</param>
    /// <param name="key">A private key on P-256.</param>
    /// <param name="ignore">Paths from the folder of files and folders to leave out; they need not exist.</param>
    /// <param name="progress">Hears of bytes.</param>
    /// <param name="cancellation">Stops the work; nothing is written then.</param>
    /// <returns>What was signed.</returns>
    /// <exception cref="BeearException">
    /// A path is wrong, the key cannot sign, or the folder holds what a signature cannot cover.
    /// </exception>
    public static ModelManifest Sign(string folder, string signature, SigningKey key, IEnumerable<string> ignore,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        RequireFolder(folder);
        key.RequireSigning();
        string[] ignored = [.. ignore.Select(path => Ignored(path, folder))];
        AtomicOutput.RequireDirectoryOf(signature);
        RequireReplaceable(signature);
        string full = Path.GetFullPath(signature), model = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        AtomicOutput.RemoveLeftovers(Path.GetDirectoryName(full)!, Path.GetFileName(full));      // or they would be signed
        if (ManifestPath.Of(full, model) is { } inside) ignored = [inside, .. ignored];
        ignored = [.. ignored.Concat(Git).Distinct()];

        var files = FolderFiles.List(folder, ignored.ToHashSet(StringComparer.Ordinal));
        if (files.Covered.Count == 0) throw new BeearException($"There are no files to sign in '{folder}'.");
        var manifest = new ModelManifest(Path.GetFileName(model), files.Hash(progress, cancellation), ignored);
        var signed = new ModelSignature(DsseEnvelope.Sign(manifest.ToBytes(), key), key.Hint);
        AtomicOutput.WriteFile(signature, stream => stream.Write(signed.ToBytes()));
        return manifest;
    }

    /// <summary>Checks that a folder is there.</summary>
    /// <exception cref="BeearException">It is not.</exception>
    public static void RequireFolder(string folder)
    {
        if (File.Exists(folder)) throw new BeearException($"'{folder}' is a file; name the folder of a model.");
        if (!Directory.Exists(folder)) throw new BeearException($"There is no folder '{folder}'.");
    }

    private static string Ignored(string path, string folder)
    {
        string name = OperatingSystem.IsWindows() ? path.Replace('\\', '/') : path;
        if (name.StartsWith("./", StringComparison.Ordinal)) name = name[2..];
        name = name.TrimEnd('/');
        return ManifestPath.IsInside(name) ? name
            : throw new BeearException($"--ignore: '{path}' is not the path of something in '{folder}', from there.");
    }

    /// <summary>A slip of the pen must not put a signature in the place of weights.</summary>
    private static void RequireReplaceable(string signature)
    {
        if (!File.Exists(signature) || FileContent.Length(signature) == 0) return;
        try
        {
            ModelSignature.Read(signature);
        }
        catch (BeearException failure)
        {
            throw new BeearException($"'{signature}' exists and is no signature; remove it, or name another file by --signature.", failure);
        }
    }
}
