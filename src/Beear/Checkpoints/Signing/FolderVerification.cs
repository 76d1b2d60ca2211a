using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>Whether a folder is as it was signed.</summary>
/// <param name="Problem">What is not, in one sentence; null if all is.</param>
/// <param name="Manifest">What was signed, if the signature is the key's and can be read.</param>
/// <param name="Ignored">What lies in the folder and is not covered, besides the signature.</param>
internal sealed record FolderVerification(string? Problem, ModelManifest? Manifest, IReadOnlyList<string> Ignored)
{
    private const int MostNames = 3, LongestHint = 64;

    /// <summary>Verifies a folder: the signature first, then that it holds just the signed files, then their content.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="signature">The signature's file; inside the folder it needs no signature.</param>
    /// <param name="key">The key that is trusted.</param>
    /// <param name="progress">Hears of bytes.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="BeearException">There is no such folder or signature, or the file is not a signature.</exception>
    public static FolderVerification Of(string folder, string signature, SigningKey key,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        FolderSigning.RequireFolder(folder);
        var signed = ModelSignature.Read(signature);
        if (Unverified(signed, signature, key) is { } problem) return new FolderVerification(problem, null, []);
        ModelManifest? manifest = null;
        FolderFiles files;
        try
        {
            manifest = ModelManifest.Read(signed.Envelope.Payload, signature);
            string? inside = ManifestPath.Of(Path.GetFullPath(signature), Path.GetFullPath(folder));
            var ignored = manifest.Ignored.Append(inside ?? "").ToHashSet(StringComparer.Ordinal);
            files = FolderFiles.List(folder, ignored);
            files = files with { Ignored = [.. files.Ignored.Where(name => name != inside)] };
        }
        catch (BeearException failure)
        {
            return new FolderVerification(failure.Message, manifest, []);
        }
        return new FolderVerification(Difference(folder, manifest, files, progress, cancellation), manifest, files.Ignored);
    }

    /// <summary>A number of files in words.</summary>
    public static string Counted(int files) => files == 1 ? "1 file" : FormattableString.Invariant($"{files} files");

    /// <summary>A few names, and how many more there are.</summary>
    public static string Listed(IReadOnlyList<string> names) => string.Join(", ", names.Take(MostNames).Select(name => $"'{name}'"))
        + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");

    /// <summary>Why the signature is not the key's; null if it is.</summary>
    private static string? Unverified(ModelSignature signed, string signature, SigningKey key)
    {
        if (signed.HasCertificate)
            return $"'{signature}' was signed with a certificate, and beear verifies signatures of keys only.";
        if (!key.IsSupported)
            return $"'{key.Path}' is a key on the curve {key.Curve}, and signatures are verified on P-256 and P-384 only.";
        if (signed.Envelope.IsSignedBy(key)) return null;
        return signed.Hint is { } hint && hint != key.Hint
            ? $"'{signature}' is not signed by '{key.Path}', whose hint is {key.Hint}; it names the key "
                + $"{VisibleText.Excerpt(hint, LongestHint)}."
            : $"The signature in '{signature}' does not fit: it was not made with '{key.Path}', or the file was changed after that.";
    }

    /// <summary>How a folder differs from what was signed; null if it does not.</summary>
    private static string? Difference(string folder, ModelManifest manifest, FolderFiles files,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var wanted = manifest.Files.ToDictionary(file => file.Name, file => file.Digest, StringComparer.Ordinal);
        string[] here = [.. files.Covered.Select(file => file.Name)];
        string[] added = [.. here.Except(wanted.Keys)], missing = [.. wanted.Keys.Except(here)];
        string[] changed = added.Length + missing.Length > 0 ? []
            : [.. files.Hash(progress, cancellation).Where(file => wanted[file.Name] != file.Digest).Select(file => file.Name)];
        string[] parts = [.. Part("changed", changed), .. Part("not signed", added), .. Part("missing", missing)];
        return parts.Length == 0 ? null : $"'{folder}' is not as it was signed ({string.Join("; ", parts)}).";
    }

    private static string[] Part(string what, string[] names) => names.Length == 0 ? [] : [$"{what}: {Listed(names)}"];
}
