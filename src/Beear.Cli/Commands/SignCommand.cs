using Beear.Checkpoints.Signing;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear sign</c>.</summary>
internal sealed record SignOptions
{
    /// <summary>Folder of a model; all its files are signed, those in its folders and hidden ones too.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>PEM file of an EC private key on P-256, in PKCS#8 or SEC1.</summary>
    public required string Key { get; init; }

    /// <summary>A file that holds the password of an encrypted key.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>The signature to write; model.sig in the folder if not given.</summary>
    public string? Signature { get; init; }

    /// <summary>
    /// A file or folder to leave out, as a path from the signed folder; .git, .gitattributes, .github and .gitignore always are.
    /// </summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];
}

/// <summary>What was signed; the JSON document.</summary>
internal sealed record SignResult(string Signature, int Files, string RootDigest, string KeyHint);

/// <summary><c>beear sign</c>: signs the files of a folder.</summary>
internal sealed class SignCommand(CommandSession session)
    : BeearCommand<SignOptions>("sign", "Sign all files of a folder with a key, in the form of OpenSSF model-signing 1.0", session)
{
    protected override int Run(SignOptions options, CommandContext context)
    {
        string signature = options.Signature ?? Path.Combine(options.Folder, ModelSignature.DefaultName);
        using var key = SigningKey.Read(options.Key, options.PasswordFile);
        if (key.IsPrivate && ManifestPath.Of(Path.GetFullPath(options.Key), Path.GetFullPath(options.Folder)) is not null)
            context.Output.Warn($"the private key '{options.Key}' lies in the folder; move it before anybody gets the folder.");
        var manifest = context.Output.WithProgress(progress =>
            FolderSigning.Sign(options.Folder, signature, key, options.Ignore, progress, context.Cancellation));
        context.Output.Result(new SignResult(signature, manifest.Files.Count, manifest.RootDigest(), key.Hint), made =>
            $"signed {FolderVerification.Counted(made.Files)} of '{options.Folder}', root digest {made.RootDigest}, key {made.KeyHint}, "
                + $"in '{made.Signature}'");
        return ExitCode.Success;
    }
}
