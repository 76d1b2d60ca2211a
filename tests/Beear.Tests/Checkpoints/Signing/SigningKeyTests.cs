using System.Security.Cryptography;
using Beear.Tests.Cli;

namespace Beear.Tests.Checkpoints.Signing;

/// <summary>The forms in which keys come, and what is said of those that do not serve.</summary>
public sealed class SigningKeyTests : IDisposable
{
    private const string NoKey = "is not one key of an elliptic curve in PEM";
    private static readonly PbeParameters Pbe = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
    private readonly SignedModel model = new();

    public void Dispose() => model.Dispose();

    private string Written(string name, string text)
    {
        File.WriteAllText(model.Beside(name), text);
        return model.Beside(name);
    }

    private CliRun Sign(string key, params string[] more) => CliRun.Of(["sign", model.Folder, "--key", key, .. more]);

    private CliRun Verify(string key) => CliRun.Of("verify", model.Folder, "--key", key);

    [Fact]
    public void Private_keys_come_in_several_forms()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string name = Written("public.pem", key.ExportSubjectPublicKeyInfoPem()), password = Written("password", "sécret\n");
        string[][] forms = [
            [Written("pkcs8.pem", key.ExportPkcs8PrivateKeyPem())],
            [Written("sec1.pem", key.ExportECPrivateKeyPem())],
            [Written("openssl.pem", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
                + key.ExportECPrivateKeyPem())],
            [Written("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("sécret", Pbe)), "--password-file", password],
        ];
        Assert.All(forms, form =>
        {
            File.Delete(model.Signature);
            var run = Sign(form[0], form[1..]);
            Assert.Equal((0, ""), (run.Code, run.Error));
            Assert.Equal(0, Verify(name).Code);
        });
    }

    [Fact]
    public void A_private_key_verifies_by_its_public_part()
    {
        model.Sign();
        var run = Verify(model.PrivateKey);
        Assert.Equal(0, run.Code);
        Assert.Contains("is a private key; its public part is used", run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_that_are_missing_wrong_or_of_no_use_are_said()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string encrypted = Written("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("secret", Pbe));
        string wrong = Written("wrong", "other");
        Refused(Sign(encrypted), "give its password by --password-file");
        Refused(Sign(encrypted, "--password-file", wrong), "cannot be read with the password in");
        Refused(Sign(encrypted, "--password-file", model.Beside("nowhere")), "name the file that holds the key's password");
        Refused(Sign(model.PrivateKey, "--password-file", wrong), "is not encrypted; leave out --password-file");
        Refused(Sign(Written("old.pem", "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n"
            + "-----END EC PRIVATE KEY-----\n")), "is encrypted in OpenSSL's old way");
        model.Sign();
        Refused(Verify(encrypted), "to verify, name the public key");
    }

    [Fact]
    public void What_is_no_key_is_bad_input()
    {
        model.Sign();
        using var rsa = RSA.Create(2048);
        string pem = File.ReadAllText(model.PublicKey);
        foreach (string file in (string[])[Written("text", "hello"), Written("rsa.pem", rsa.ExportPkcs8PrivateKeyPem()),
            Written("rsa.pub", rsa.ExportSubjectPublicKeyInfoPem()), Written("two.pub", pem + "\n" + pem),
            Written("cut.pub", pem.Replace("MFkw", "MFk", StringComparison.Ordinal)), model.In("config.json")])
        {
            Refused(Verify(file), NoKey);
            Refused(Sign(file), NoKey);
        }
        Refused(Verify(model.Beside("nowhere")), "There is no file");
        Refused(Verify(model.Folder), "There is no file");
        Refused(Verify(Written("none", "")), "with something in it");
        Refused(Verify(Written("long", new string('a', 100_000))), "far more than");
    }

    [Fact]
    public void Only_a_private_key_on_P_256_signs()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Refused(Sign(model.PublicKey), "is a public key; sign with the private one");
        Refused(Sign(Written("p384.pem", p384.ExportPkcs8PrivateKeyPem())), "on the curve P-384; sign with one on P-256");
        Assert.False(File.Exists(model.Signature));
    }

    [Fact]
    public void Other_curves_verify_nothing()
    {
        model.Sign();
        using var p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        NotVerified(Written("p521.pub", p521.ExportSubjectPublicKeyInfoPem()));
        if (!OperatingSystem.IsLinux()) return;
        // P-256 by its parameters: whoever may write them may choose another base point, for which any signature is easy to make.
        using var signer = ECDsa.Create();
        signer.ImportFromPem(File.ReadAllText(model.PrivateKey));
        using var spelled = ECDsa.Create(signer.ExportExplicitParameters(includePrivateParameters: false));
        NotVerified(Written("spelled.pub", spelled.ExportSubjectPublicKeyInfoPem()));
    }

    private void NotVerified(string key)
    {
        var run = Verify(key);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains("signatures are verified on P-256 and P-384 only", run.Error, StringComparison.Ordinal);
    }

    private static void Refused(CliRun run, string expected)
    {
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
