using System.Text;
using System.Text.Json.Nodes;
using Beear.Tests.Cli;

namespace Beear.Tests.Checkpoints.Signing;

/// <summary>What is not as it was signed gets one sentence and exit code 1; what is no signature, exit code 2.</summary>
public sealed class VerificationTests : IDisposable
{
    private readonly SignedModel model = new();

    public void Dispose() => model.Dispose();

    /// <summary>Changes of a signed folder, and what is said.</summary>
    private static readonly Dictionary<string, (Action<SignedModel> Change, string Said)> Changes = new(StringComparer.Ordinal)
    {
        ["a byte"] = (model => model.Add("model.safetensors", "Weights"), "changed: 'model.safetensors'"),
        ["a byte more"] = (model => model.Add("empty", "a"), "changed: 'empty'"),
        ["several"] = (model =>
        {
            foreach (string name in (string[])["config.json", ".hidden", "empty", "model.safetensors", "tokenizer/vocab.txt"])
                model.Add(name, "other");
        }, "changed: '.hidden', 'config.json', 'empty' and 2 more"),
        ["a file more"] = (model => model.Add("code.py", ""), "not signed: 'code.py'"),
        ["a hidden file more"] = (model => model.Add("tokenizer/.code", ""), "not signed: 'tokenizer/.code'"),
        ["a file less"] = (model => File.Delete(model.In("tokenizer/vocab.txt")), "missing: 'tokenizer/vocab.txt'"),
        ["another name"] = (model => File.Move(model.In("empty"), model.In("Empty")), "not signed: 'Empty'; missing: 'empty'"),
        ["a folder in its place"] = (model =>
        {
            File.Delete(model.In("empty"));
            Directory.CreateDirectory(model.In("empty"));
        }, "missing: 'empty'"),
        ["contents that changed places"] = (model =>
        {
            model.Add("config.json", "weights");
            model.Add("model.safetensors", "{}");
        }, "changed: 'config.json', 'model.safetensors'"),
        ["a link in its place"] = (model =>
        {
            File.Move(model.In("config.json"), model.Beside("config.json"));
            File.CreateSymbolicLink(model.In("config.json"), model.Beside("config.json"));
        }, "'config.json' is a symbolic link"),
        ["a name with a control character"] = (model => model.Add("a\u001b[2Jb", ""), @"not signed: 'a\u{1b}[2Jb'"),
    };

    public static TheoryData<string> ChangeNames => [.. Changes.Keys];

    [Theory, MemberData(nameof(ChangeNames))]
    public void A_folder_that_changed_is_not_verified(string change)
    {
        model.Sign();
        Assert.Equal(0, model.Verify().Code);
        Changes[change].Change(model);
        NotVerified(Changes[change].Said);
    }

    [Fact]
    public void An_empty_folder_changes_nothing()
    {
        model.Sign();
        Directory.CreateDirectory(model.In("new/below"));
        Assert.Equal(0, model.Verify().Code);
    }

    [Fact]
    public void Another_key_is_told_by_its_hint()
    {
        model.Sign();
        using var other = new SignedModel();
        var run = CliRun.Of("verify", model.Folder, "--key", other.PublicKey);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Matches($"^not verified: '{model.Signature}' is not signed by '{other.PublicKey}', whose hint is [0-9a-f]{{64}}; "
            + "it names the key [0-9a-f]{64}\\.\\r?\\n$", run.Error);
    }

    /// <summary>Anybody can write a hint: it proves nothing, and a wrong one spoils nothing.</summary>
    [Fact]
    public void A_hint_decides_nothing()
    {
        model.Forge(bundle => bundle["verificationMaterial"]!["publicKey"]!["hint"] = new string('a', 64));
        Assert.Equal(0, model.Verify().Code);
        model.Forge(bundle => bundle["verificationMaterial"]!["publicKey"] = null);
        Assert.Equal(0, model.Verify().Code);

        using var other = new SignedModel();
        other.Sign();
        var hint = SignedModel.Bundle(other.Signature)["verificationMaterial"]!.DeepClone();
        model.Forge(bundle => bundle["verificationMaterial"] = hint);
        var run = CliRun.Of("verify", model.Folder, "--key", other.PublicKey);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains($"The signature in '{model.Signature}' does not fit", run.Error, StringComparison.Ordinal);

        model.Forge(bundle => bundle["verificationMaterial"]!["publicKey"]!["hint"] = new string('\u202e', 9999));
        run = CliRun.Of("verify", model.Folder, "--key", other.PublicKey);
        Assert.Equal(1, run.Code);
        Assert.InRange(run.Error.Length, 100, 1000);
        Assert.DoesNotContain('\u202e', run.Error);
    }

    [Fact]
    public void A_payload_or_signature_that_changed_does_not_fit()
    {
        string Flipped(JsonNode? node, Index at)
        {
            byte[] bytes = Convert.FromBase64String((string)node!);
            bytes[at] ^= 1;
            return Convert.ToBase64String(bytes);
        }
        foreach (Index at in (Index[])[0, 100, ^1])
        {
            model.Forge(bundle => bundle["dsseEnvelope"]!["payload"] = Flipped(bundle["dsseEnvelope"]!["payload"], at));
            NotVerified("does not fit");
        }
        foreach (Index at in (Index[])[0, 1, 20, ^1])
        {
            model.Forge(bundle =>
                bundle["dsseEnvelope"]!["signatures"]![0]!["sig"] = Flipped(bundle["dsseEnvelope"]!["signatures"]![0]!["sig"], at));
            NotVerified("does not fit");
        }
        model.Forge(bundle => bundle["dsseEnvelope"]!["signatures"]![0]!["sig"] = Convert.ToBase64String(new byte[70]));
        NotVerified("does not fit");
    }

    [Theory]
    [InlineData("certificate")]
    [InlineData("x509CertificateChain")]
    public void A_signature_by_a_certificate_is_refused_by_name(string member)
    {
        model.Forge(bundle => bundle["verificationMaterial"]![member] = new JsonObject { ["rawBytes"] = "AAAA" });
        NotVerified("was signed with a certificate, and beear verifies signatures of keys only");
    }

    /// <summary>Statements that the key did sign, and what is wrong with them.</summary>
    private static readonly Dictionary<string, (Action<JsonObject> Change, string Said)> Statements = new(StringComparer.Ordinal)
    {
        ["shards"] = (all => Serialization(all)["method"] = "shards", "it was signed by the method 'shards', and only signatures of whole"),
        ["no method"] = (all => Serialization(all).Remove("method"), "it was signed by the method nothing"),
        ["another hash"] = (all => Serialization(all)["hash_type"] = "blake3", "its digests are 'blake3', and only 'sha256' is read"),
        ["no serialization"] = (all => Predicate(all).Remove("serialization"), "it does not say how its digests were made"),
        ["no predicate"] = (all => all.Remove("predicate"), "it does not say how its digests were made"),
        ["no files"] = (all => Predicate(all).Remove("resources"), "it lists no files"),
        ["version 0.2"] = (all => all["predicateType"] = "https://model_signing/Digests/v0.1", "its predicate is of the type 'https:"),
        ["another statement"] = (all => all["_type"] = "https://in-toto.io/Statement/v0.1", "it is not an in-toto statement v1"),
        ["two subjects"] = (all => all["subject"]!.AsArray().Add(all["subject"]![0]!.DeepClone()), "it has not one subject"),
        ["no subject"] = (all => all.Remove("subject"), "it has not one subject"),
        ["a null subject"] = (all => all["subject"]![0] = null, "it has not one subject"),
        ["another root"] = (all => all["subject"]![0]!["digest"]!["sha256"] = new string('0', 64), "its root digest is not that of its"),
        ["a file less than its root"] = (all => Files(all).RemoveAt(1), "its root digest is not that of its files"),
        ["a path upwards"] = (all => Files(all)[0]!["name"] = "../../etc/passwd", "it lists '../../etc/passwd', which is no path below"),
        ["a path up in the middle"] = (all => Files(all)[0]!["name"] = "a/../b", "it lists 'a/../b', which is no path below"),
        ["an absolute path"] = (all => Files(all)[0]!["name"] = "/etc/passwd", "it lists '/etc/passwd', which is no path below"),
        ["a backslash"] = (all => Files(all)[0]!["name"] = @"a\b", @"it lists 'a\b', which is no path below"),
        ["a dot"] = (all => Files(all)[0]!["name"] = "./a", "it lists './a', which is no path below"),
        ["a single file"] = (all => Files(all)[0]!["name"] = ".", "it is the signature of a single file"),
        ["an empty name"] = (all => Files(all)[0]!["name"] = "", "it lists '', which is no path below"),
        ["a name twice"] = (all => Files(all).Add(Files(all)[0]!.DeepClone()), "it lists '.hidden' twice"),
        ["a long name"] = (all => Files(all)[0]!["name"] = "/" + new string('a', 100_000), "aaaa…', which is no path below"),
        ["a null file"] = (all => Files(all)[0] = null, "the file nothing has no sha256 digest"),
        ["no name"] = (all => Files(all)[0]!.AsObject().Remove("name"), "the file nothing has no sha256 digest"),
        ["a short digest"] = (all => Files(all)[0]!["digest"] = "ab", "the file '.hidden' has no sha256 digest"),
        ["a digest that is none"] = (all => Files(all)[0]!["digest"] = new string('g', 64), "the file '.hidden' has no sha256 digest"),
        ["another algorithm"] = (all => Files(all)[0]!["algorithm"] = "md5", "the file '.hidden' has no sha256 digest"),
        ["an ignored path upwards"] = (all => Ignored(all).Add("../x"), "it ignores '../x', which is no path below"),
        ["all is ignored"] = (all => Ignored(all).Add("."), "it ignores '.', which is no path below"),
        ["nothing is ignored"] = (all => Ignored(all).Add((JsonNode?)null), "it ignores nothing, which is no path below"),
        ["a number for a name"] = (all => Files(all)[0]!["name"] = 1, "is not the JSON of a signature"),
        ["a text for a list"] = (all => Predicate(all)["resources"] = "x", "is not the JSON of a signature"),
        ["a number for a switch"] = (all => Serialization(all)["allow_symlinks"] = 5, "is not the JSON of a signature"),
    };

    public static TheoryData<string> StatementNames => [.. Statements.Keys];

    [Theory, MemberData(nameof(StatementNames))]
    public void A_statement_that_does_not_serve_is_not_verified_though_the_key_signed_it(string statement)
    {
        model.SignChanged(Statements[statement].Change);
        NotVerified(Statements[statement].Said);
    }

    [Fact]
    public void What_is_not_known_is_passed_over()
    {
        model.SignChanged(all =>
        {
            all["more"] = JsonNode.Parse("""{"number": 1e999, "deep": [[[[]]]]}""");
            Serialization(all)["shard_size"] = JsonNode.Parse("99999999999999999999999999");
            Serialization(all)["allow_symlinks"] = true;
            Files(all)[0]!["digest"] = ((string)Files(all)[0]!["digest"]!).ToUpperInvariant();
        });
        Assert.Equal(0, model.Verify().Code);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("""{"_type": "a", "_type": "b"}""")]
    [InlineData("""{"_type": "\ud800"}""")]
    [InlineData("\u00ff")]
    [InlineData("DEEP")]
    public void A_statement_that_is_none_is_not_verified(string payload)
    {
        if (payload == "DEEP") payload = Nested();
        model.SignAnything(Encoding.Latin1.GetBytes(payload));
        NotVerified("is not the JSON of a signature");
    }

    /// <summary>Files that are no bundles.</summary>
    private static readonly Dictionary<string, (Action<JsonObject> Change, string Said)> Bundles = new(StringComparer.Ordinal)
    {
        ["no media type"] = (bundle => bundle.Remove("mediaType"), "it is not a sigstore bundle of the media type"),
        ["another version"] = (bundle => bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2", "media type"),
        ["no material"] = (bundle => bundle.Remove("verificationMaterial"), "it has no verificationMaterial"),
        ["no envelope"] = (bundle => bundle.Remove("dsseEnvelope"), "it has no dsseEnvelope"),
        ["no payload"] = (bundle => Envelope(bundle).Remove("payload"), "its payload is missing or not base64"),
        ["an empty payload"] = (bundle => Envelope(bundle)["payload"] = "", "its payload is missing or not base64"),
        ["a payload that is not base64"] = (bundle => Envelope(bundle)["payload"] = "ä===", "its payload is missing or not base64"),
        ["another payload type"] = (bundle => Envelope(bundle)["payloadType"] = "text/plain", "its payload is not application/vnd.in-toto"),
        ["no signatures"] = (bundle => Envelope(bundle)["signatures"] = new JsonArray(), "it has not one signature"),
        ["a null signature"] = (bundle => Envelope(bundle)["signatures"] = new JsonArray([null]), "it has not one signature"),
        ["two signatures"] = (bundle => Envelope(bundle)["signatures"]!.AsArray().Add(Envelope(bundle)["signatures"]![0]!.DeepClone()),
            "it has not one signature"),
        ["a signature that is not base64"] = (bundle => Envelope(bundle)["signatures"]![0]!["sig"] = "%%", "its signature is missing"),
        ["a number"] = (bundle => Envelope(bundle)["payload"] = 1, "is not the JSON of a signature"),
        ["an array"] = (bundle => bundle["verificationMaterial"] = new JsonArray(), "is not the JSON of a signature"),
    };

    public static TheoryData<string> BundleNames => [.. Bundles.Keys];

    [Theory, MemberData(nameof(BundleNames))]
    public void A_file_that_is_no_bundle_is_bad_input(string bundle)
    {
        model.Forge(Bundles[bundle].Change);
        Refused(Bundles[bundle].Said);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("""{"mediaType": "a", "mediaType": "b"}""")]
    [InlineData("""{"mediaType": "\udc00"}""")]
    [InlineData("""{"mediaType": 1e99999}""")]
    [InlineData("DEEP")]
    public void A_file_that_is_no_JSON_is_bad_input(string text)
    {
        if (text == "DEEP") text = Nested();
        File.WriteAllText(model.Signature, text);
        Refused("is not the JSON of a signature");
    }

    [Fact]
    public void A_file_that_is_missing_huge_or_of_another_kind_is_bad_input()
    {
        Refused("There is no signature");
        File.WriteAllText(model.Signature, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        Refused("is a Git LFS pointer");
        File.WriteAllText(model.Signature, "{}", Encoding.Unicode);
        Refused("is UTF-16");
        using (var file = File.Create(model.Signature)) file.SetLength(1L << 40);
        Refused("far more than");
        File.Delete(model.Signature);
        Directory.CreateDirectory(model.Signature);
        Refused("There is no signature");
        var run = CliRun.Of("verify", model.Beside("nowhere"), "--key", model.PublicKey);
        Assert.Equal(2, run.Code);
        Assert.Contains("There is no folder", run.Error, StringComparison.Ordinal);
        run = CliRun.Of("verify", model.In("empty"), "--key", model.PublicKey);
        Assert.Equal(2, run.Code);
        Assert.Contains("is a file; name the folder", run.Error, StringComparison.Ordinal);
    }

    private static string Nested() => string.Concat(Enumerable.Repeat("{\"a\":[", 100_000));

    private static JsonObject Envelope(JsonObject bundle) => bundle["dsseEnvelope"]!.AsObject();

    private static JsonObject Predicate(JsonObject statement) => statement["predicate"]!.AsObject();

    private static JsonObject Serialization(JsonObject statement) => Predicate(statement)["serialization"]!.AsObject();

    private static JsonArray Files(JsonObject statement) => Predicate(statement)["resources"]!.AsArray();

    private static JsonArray Ignored(JsonObject statement) => Serialization(statement)["ignore_paths"]!.AsArray();

    private void NotVerified(string expected) => Ends(1, "not verified: ", expected);

    private void Refused(string expected) => Ends(2, "error: ", expected);

    private void Ends(int code, string start, string expected)
    {
        var run = model.Verify();
        Assert.Equal((code, ""), (run.Code, run.Output));
        Assert.StartsWith(start, run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.EndsWith(".", run.Error.TrimEnd(), StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
