using Beear.Checkpoints.Signing;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear verify</c>.</summary>
internal sealed record VerifyOptions
{
    /// <summary>Folder of a model.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>PEM file of the signer's EC public key, on P-256 or P-384.</summary>
    public required string Key { get; init; }

    /// <summary>The signature; model.sig in the folder if not given.</summary>
    public string? Signature { get; init; }
}

/// <summary>Whether a folder is as it was signed; the JSON document.</summary>
internal sealed record VerifyResult(
    bool Verified, string? Problem, string Signature, int? Files, string? RootDigest, string KeyHint, IReadOnlyList<string> NotCovered);

/// <summary><c>beear verify</c>: checks a folder's files against its signature.</summary>
internal sealed class VerifyCommand(CommandSession session)
    : BeearCommand<VerifyOptions>("verify", "Check that a folder's files are those that a key signed; exit code 1 if not", session)
{
    protected override int Run(VerifyOptions options, CommandContext context)
    {
        string signature = options.Signature ?? Path.Combine(options.Folder, ModelSignature.DefaultName);
        using var key = SigningKey.Read(options.Key);
        if (key.IsPrivate) context.Output.Warn($"'{options.Key}' is a private key; its public part is used, and is all that verify needs.");
        var found = context.Output.WithProgress(progress =>
            FolderVerification.Of(options.Folder, signature, key, progress, context.Cancellation));
        var result = new VerifyResult(found.Problem is null, found.Problem, signature, found.Manifest?.Files.Count,
            found.Manifest?.RootDigest(), key.Hint, found.Ignored);
        if (result.Verified || context.Output.Json) context.Output.Result(result, verified => Sentence(options.Folder, verified));
        if (result.Problem is null) return ExitCode.Success;
        context.Output.Failed($"not verified: {result.Problem}");
        return ExitCode.BarMissed;
    }

    private static string Sentence(string folder, VerifyResult verified)
    {
        string left = verified.NotCovered.Count == 0 ? ""
            : $"; not covered: {FolderVerification.Listed(verified.NotCovered)}";
        string files = FolderVerification.Counted(verified.Files ?? 0);
        return $"verified {files} of '{folder}', root digest {verified.RootDigest}, key {verified.KeyHint}{left}";
    }
}
