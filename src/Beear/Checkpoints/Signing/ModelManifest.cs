using System.Security.Cryptography;
using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>A file and its SHA-256, in 64 hexadecimal digits of lower case.</summary>
internal sealed record SignedFile(string Name, string Digest);

/// <summary>What is signed: the files of a folder with their digests.</summary>
/// <param name="Model">The folder's name.</param>
/// <param name="Files">Its files, in the order in which their digests make the root digest.</param>
/// <param name="Ignored">Names of files and folders that were left out.</param>
internal sealed record ModelManifest(string Model, IReadOnlyList<SignedFile> Files, IReadOnlyList<string> Ignored)
{
    private const string StatementType = "https://in-toto.io/Statement/v1", Predicate = "https://model_signing/signature/v1.0",
        Method = "files", Algorithm = "sha256";
    private const int DigestLetters = 2 * SHA256.HashSizeInBytes, LongestShown = 120;

    /// <summary>SHA-256 over the files' digests, in hexadecimal.</summary>
    public string RootDigest()
    {
        using var root = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Files) root.AppendData(Convert.FromHexString(file.Digest));
        return Convert.ToHexStringLower(root.GetHashAndReset());
    }

    /// <summary>The statement that is signed.</summary>
    public byte[] ToBytes() => SigningJson.ToIndentedBytes(new InTotoStatement(StatementType,
        [new InTotoSubject(Model, new RootDigest(RootDigest()))], Predicate, new SignedPredicate(
            new SerializationMethod(Method, Algorithm, AllowSymlinks: false, Ignored),
            [.. Files.Select(file => new SignedResource(Algorithm, file.Digest, file.Name))])));

    /// <summary>Reads a statement.</summary>
    /// <param name="payload">Its bytes, whose signature was checked. The signer may be hostile all the same.</param>
    /// <param name="source">What to call it.</param>
    /// <exception cref="BeearException">It is of another kind, contradicts itself, or names files outside a folder.</exception>
    public static ModelManifest Read(byte[] payload, string source)
    {
        var statement = SigningJson.Read<InTotoStatement>(payload, source);
        BeearException Fault(string fault) => new($"'{source}' cannot be verified: {fault}.");
        if (statement.Type != StatementType) throw Fault($"it is not an in-toto statement v1, but {Shown(statement.Type)}");
        if (statement.PredicateType != Predicate)
            throw Fault($"its predicate is of the type {Shown(statement.PredicateType)}, and only '{Predicate}' is read");
        var how = statement.Predicate?.Serialization ?? throw Fault("it does not say how its digests were made");
        if (how.Method != Method)
            throw Fault($"it was signed by the method {Shown(how.Method)}, and only signatures of whole files ('{Method}') are read");
        if (how.HashType != Algorithm) throw Fault($"its digests are {Shown(how.HashType)}, and only '{Algorithm}' is read");
        if (statement.Subject is not [{ Name: { } model, Digest.Sha256: { } root }])
            throw Fault("it has not one subject with a sha256 digest");

        var names = new HashSet<string>(StringComparer.Ordinal);
        var files = new List<SignedFile>();
        foreach (var resource in statement.Predicate.Resources ?? throw Fault("it lists no files"))
        {
            if (resource is not { Name: { } name, Digest: { } digest, Algorithm: Algorithm } || !IsDigest(digest))
                throw Fault($"the file {Shown(resource?.Name)} has no sha256 digest");
            if (name == ".") throw Fault("it is the signature of a single file, and only folders are verified");
            if (!ManifestPath.IsInside(name)) throw Fault($"it lists {Shown(name)}, which is no path below a folder");
            if (!names.Add(name)) throw Fault($"it lists {Shown(name)} twice");
            files.Add(new SignedFile(name, digest.ToLowerInvariant()));
        }
        var ignored = new List<string>();
        foreach (string? path in how.IgnorePaths ?? [])
        {
            if (path is null || !ManifestPath.IsInside(path)) throw Fault($"it ignores {Shown(path)}, which is no path below a folder");
            ignored.Add(path);
        }
        var manifest = new ModelManifest(model, files, ignored);
        return root.Equals(manifest.RootDigest(), StringComparison.OrdinalIgnoreCase)
            ? manifest : throw Fault("its root digest is not that of its files");
    }

    private static bool IsDigest(string text) => text.Length == DigestLetters && text.All(char.IsAsciiHexDigit);

    private static string Shown(string? text) => text is null ? "nothing" : $"'{VisibleText.Excerpt(text, LongestShown)}'";
}
