using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Tests.Cli;

namespace Beear.Tests.Checkpoints.Signing;

/// <summary>A small folder with a key, signed and verified by the program; and a signer of its own, which signs anything.</summary>
internal sealed class SignedModel : IDisposable
{
    private readonly string above = Fixtures.TemporaryFolder();
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public SignedModel()
    {
        Add("config.json", "{}");
        Add("model.safetensors", "weights");
        Add("tokenizer/vocab.txt", "a\nb\n");
        Add(".hidden", "h");
        Add("empty", "");
        File.WriteAllText(PrivateKey, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(PublicKey, key.ExportSubjectPublicKeyInfoPem());
    }

    public string Folder => Path.Combine(above, "model");

    public string Signature => Path.Combine(Folder, "model.sig");

    public string PrivateKey => Beside("signer.pem");

    public string PublicKey => Beside("signer.pub");

    /// <summary>A path beside the folder.</summary>
    public string Beside(string name) => Path.Combine(above, name);

    /// <summary>A path in the folder.</summary>
    public string In(string name) => Path.Combine(Folder, name);

    public void Add(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        File.WriteAllText(In(name), text);
    }

    public CliRun Sign(params string[] more) => CliRun.Of(["sign", Folder, "--key", PrivateKey, .. more]);

    public CliRun Verify(params string[] more) => CliRun.Of(["verify", Folder, "--key", PublicKey, .. more]);

    /// <summary>Signs, and changes the bundle without its signer.</summary>
    public void Forge(Action<JsonObject> change)
    {
        Assert.Equal(0, Sign().Code);
        var bundle = Bundle(Signature);
        change(bundle);
        File.WriteAllText(Signature, bundle.ToJsonString());
    }

    /// <summary>Signs a statement that was changed after the program wrote it.</summary>
    public void SignChanged(Action<JsonObject> change)
    {
        Assert.Equal(0, Sign().Code);
        var statement = Statement(Bundle(Signature));
        change(statement);
        SignAnything(Encoding.UTF8.GetBytes(statement.ToJsonString()));
    }

    /// <summary>Signs any bytes, by the rules of DSSE.</summary>
    public void SignAnything(byte[] payload)
    {
        Assert.Equal(0, Sign().Code);
        var bundle = Bundle(Signature);
        bundle["dsseEnvelope"]!["payload"] = Convert.ToBase64String(payload);
        bundle["dsseEnvelope"]!["signatures"]![0]!["sig"] = Convert.ToBase64String(
            key.SignData(PreAuthenticationEncoding(payload), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        File.WriteAllText(Signature, bundle.ToJsonString());
    }

    public static JsonObject Bundle(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    public static byte[] Payload(JsonObject bundle) => Convert.FromBase64String((string)bundle["dsseEnvelope"]!["payload"]!);

    public static JsonObject Statement(JsonObject bundle) => JsonNode.Parse(Payload(bundle))!.AsObject();

    /// <summary>What DSSE's specification says is signed: each part with its length before it.</summary>
    public static byte[] PreAuthenticationEncoding(byte[] payload) =>
        [.. Encoding.UTF8.GetBytes($"DSSEv1 28 application/vnd.in-toto+json {payload.Length} "), .. payload];

    public void Dispose()
    {
        key.Dispose();
        Directory.Delete(above, recursive: true);
    }
}
