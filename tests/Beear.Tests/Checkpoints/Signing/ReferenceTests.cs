using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beear.Tests.Cli;

namespace Beear.Tests.Checkpoints.Signing;

/// <summary>Signatures that OpenSSF's model-signing made are verified, and ours have its layout.</summary>
public sealed class ReferenceTests : IDisposable
{
    private const string Ignored = "README with space – ü.md", Root = "c3afa70f978f1ca0a9ebedfe943aaaa7c72af8e1ddbce1dc6d1c9b8b5f507a62";
    private readonly SignedModel ours = new();

    public void Dispose() => ours.Dispose();

    private static string Reference(string name) => Fixtures.Parity("model-signing", name);

    private static CliRun Verify(string signature, string key) =>
        CliRun.Of("verify", Reference("model"), "--signature", Reference(signature), "--key", Reference(key));

    [Theory]
    [InlineData("model.sig", "signer.pub", 6, "c3afa70f978f1ca0a9ebedfe943aaaa7c72af8e1ddbce1dc6d1c9b8b5f507a62", "")]
    [InlineData("p384.sig", "p384.pub", 6, "c3afa70f978f1ca0a9ebedfe943aaaa7c72af8e1ddbce1dc6d1c9b8b5f507a62", "")]
    [InlineData("ignored.sig", "signer.pub", 5, "223b5e7984fb3ac759ce5372ebe2d02a0958f1e69a80d6a4b9539da1edbac70c",
        $"; not covered: '{Ignored}'")]
    public void Its_signatures_are_verified(string signature, string key, int files, string root, string notCovered)
    {
        string hint = (string)SignedModel.Bundle(Reference(signature))["verificationMaterial"]!["publicKey"]!["hint"]!;

        var run = Verify(signature, key);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal($"verified {files} files of '{Reference("model")}', root digest {root}, key {hint}{notCovered}{Environment.NewLine}",
            run.Output);
    }

    [Theory]
    [InlineData("model.sig", "other.pub")]
    [InlineData("model.sig", "p384.pub")]
    [InlineData("p384.sig", "signer.pub")]
    public void Under_another_key_they_are_not(string signature, string key)
    {
        var run = Verify(signature, key);

        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains($"not verified: '{Reference(signature)}' is not signed by '{Reference(key)}'", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.sig")]
    [InlineData("ignored.sig")]
    public void Ours_are_like_its_own_but_for_key_and_signature(string signature)
    {
        string[] ignore = signature == "ignored.sig" ? ["--ignore", Ignored] : [];
        string made = CopyAndSign(ignore), theirs = Reference(signature);

        Assert.Equal(Blanked(File.ReadAllText(theirs)), Blanked(File.ReadAllText(made)));
        var (expected, actual) = (Statement(theirs), Statement(made));
        Assert.Equal(ignore.Length == 0 ? Root : (string)expected["subject"]![0]!["digest"]!["sha256"]!,
            (string)actual["subject"]![0]!["digest"]!["sha256"]!);
        Assert.Equal(expected["predicate"]!["resources"]!.AsArray().Select(one => (string)one!["name"]!),
            actual["predicate"]!["resources"]!.AsArray().Select(one => (string)one!["name"]!));
        Assert.True(JsonNode.DeepEquals(expected, actual), $"{expected}\n{actual}");
    }

    [Fact]
    public void Ours_are_verified_by_the_runtimes_cryptography_alone()
    {
        ours.Sign();
        var bundle = SignedModel.Bundle(ours.Signature);
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(ours.PublicKey));
        byte[] signed = SignedModel.PreAuthenticationEncoding(SignedModel.Payload(bundle));
        byte[] signature = Convert.FromBase64String((string)bundle["dsseEnvelope"]!["signatures"]![0]!["sig"]!);

        Assert.True(key.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        signed[^1] ^= 1;
        Assert.False(key.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        foreach (var file in SignedModel.Statement(bundle)["predicate"]!["resources"]!.AsArray())
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(ours.In((string)file!["name"]!)))),
                (string)file["digest"]!);
    }

    [Fact]
    public async Task Ours_are_verified_by_openssl()
    {
        string openssl = Fixtures.OnPath("openssl") ?? throw Xunit.Sdk.SkipException.ForSkip("openssl is not on PATH");
        ours.Sign();
        var bundle = SignedModel.Bundle(ours.Signature);
        string content = ours.Beside("content"), signature = ours.Beside("signature");
        byte[] signed = SignedModel.PreAuthenticationEncoding(SignedModel.Payload(bundle));
        await File.WriteAllBytesAsync(signature, Convert.FromBase64String((string)bundle["dsseEnvelope"]!["signatures"]![0]!["sig"]!),
            TestContext.Current.CancellationToken);
        foreach (bool isWhole in (bool[])[true, false])
        {
            await File.WriteAllBytesAsync(content, isWhole ? signed : signed[..^1], TestContext.Current.CancellationToken);
            using var process = Process.Start(new ProcessStartInfo(openssl,
                ["dgst", "-sha256", "-verify", ours.PublicKey, "-signature", signature, content])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            })!;
            string said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal((isWhole, isWhole), (process.ExitCode == 0, said.Contains("Verified OK", StringComparison.Ordinal)));
        }
    }

    /// <summary>The reference's folder, signed by us beside it, as its own signatures are.</summary>
    private string CopyAndSign(params string[] more)
    {
        string model = Reference("model"), signature = ours.Beside("ours.sig");
        Directory.Delete(ours.Folder, recursive: true);
        foreach (string file in Directory.GetFiles(model, "*", SearchOption.AllDirectories))
        {
            string copy = ours.In(Path.GetRelativePath(model, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllBytes(copy, File.ReadAllBytes(file));
        }
        var run = ours.Sign(["--signature", signature, .. more]);
        Assert.True(run.Code == 0, run.Error);
        return signature;
    }

    /// <summary>The text of a bundle without what every signature has of its own.</summary>
    private static string Blanked(string bundle) =>
        Regex.Replace(bundle, """(?<key>"(hint|payload|sig)":")[^"]+""", "${key}", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    /// <summary>The statement; the reference writes the ignored paths in any order.</summary>
    private static JsonObject Statement(string file)
    {
        var statement = SignedModel.Statement(SignedModel.Bundle(file));
        var serialization = statement["predicate"]!["serialization"]!;
        serialization["ignore_paths"] = new JsonArray([.. serialization["ignore_paths"]!.AsArray().Select(path => (string)path!)
            .Order(StringComparer.Ordinal).Select(path => JsonValue.Create(path))]);
        return statement;
    }
}
