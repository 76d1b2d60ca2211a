using System.Security.Cryptography;
using System.Text;
using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>A key of an elliptic curve.</summary>
internal sealed class SigningKey : IDisposable
{
    private const long LargestFile = 64 << 10;
    private const string Encrypted = "ENCRYPTED PRIVATE KEY", OldEncryption = "Proc-Type: 4,ENCRYPTED", P256 = "P-256";
    private static readonly (string Oid, string Name, HashAlgorithmName Hash)[] Curves =
        [("1.2.840.10045.3.1.7", P256, HashAlgorithmName.SHA256), ("1.3.132.0.34", "P-384", HashAlgorithmName.SHA384)];

    private readonly ECDsa key;
    private readonly HashAlgorithmName hash;

    private SigningKey(ECDsa key, string path, bool isPrivate)
    {
        (this.key, Path, IsPrivate) = (key, path, isPrivate);
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        if (Curves.FirstOrDefault(known => curve.IsNamed && known.Oid == curve.Oid.Value) is { Oid: not null } known)
            (Curve, hash, IsSupported) = (known.Name, known.Hash, true);
        else Curve = curve.IsNamed ? curve.Oid.FriendlyName ?? curve.Oid.Value ?? "unknown" : "with parameters of its own";
        // The reference hashes the text with the newline at its end.
        Hint = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem() + "\n")));
    }

    /// <summary>The file that it came from.</summary>
    public string Path { get; }

    /// <summary>Whether it can sign.</summary>
    public bool IsPrivate { get; }

    /// <summary>The name of its curve.</summary>
    public string Curve { get; }

    /// <summary>Whether signatures on its curve are verified: P-256 with SHA-256, P-384 with SHA-384.</summary>
    public bool IsSupported { get; }

    /// <summary>SHA-256 of the public part's PEM, in hexadecimal: what a signature names its key by.</summary>
    public string Hint { get; }

    /// <summary>Reads a key: public, or private in PKCS#8 or SEC1.</summary>
    /// <param name="path">A PEM file that holds one key.</param>
    /// <param name="passwordFile">A file that holds the password of an encrypted key; null for none.</param>
    /// <exception cref="BeearException">It is no such file, or the password is wrong, missing or not needed.</exception>
    public static SigningKey Read(string path, string? passwordFile = null)
    {
        string pem = Text(path, "a key in PEM");
        var labels = Labels(pem);
        bool isEncrypted = labels.Contains(Encrypted);
        if (pem.Contains(OldEncryption, StringComparison.Ordinal)) throw new BeearException(
            $"'{path}' is encrypted in OpenSSL's old way; write it as PKCS#8 with 'openssl pkcs8 -topk8 -in OLD -out NEW'.");
        if (isEncrypted && passwordFile is null)
            throw new BeearException($"'{path}' is an encrypted private key; to sign, give its password by --password-file; to verify, "
                + "name the public key.");
        if (!isEncrypted && passwordFile is not null)
            throw new BeearException($"'{path}' is not encrypted; leave out --password-file.");
        var read = ECDsa.Create();
        try
        {
            if (isEncrypted) read.ImportFromEncryptedPem(pem, Text(passwordFile!, "the key's password").TrimEnd('\r', '\n'));
            else read.ImportFromPem(pem);
            return new SigningKey(read, path, labels.Exists(label => label.EndsWith("PRIVATE KEY", StringComparison.Ordinal)));
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException or NotSupportedException)
        {
            read.Dispose();
            throw new BeearException(isEncrypted
                ? $"'{path}' cannot be read with the password in '{passwordFile}'; check both."
                : $"'{path}' is not one key of an elliptic curve in PEM (BEGIN PUBLIC KEY, PRIVATE KEY or EC PRIVATE KEY); check what it "
                    + "is.", failure);
        }
    }

    /// <summary>Checks that the key can sign.</summary>
    /// <exception cref="BeearException">It is a public key, or on another curve than P-256.</exception>
    public void RequireSigning()
    {
        if (!IsPrivate) throw new BeearException($"'{Path}' is a public key; sign with the private one.");
        if (Curve != P256) throw new BeearException($"'{Path}' is a key on the curve {Curve}; sign with one on {P256}, which "
            + $"'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{P256} -out KEY' makes.");
    }

    /// <summary>An ECDSA signature in DER.</summary>
    public byte[] Sign(byte[] data) => key.SignData(data, hash, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Whether an ECDSA signature in DER fits the data.</summary>
    public bool Verifies(byte[] data, byte[] signature)
    {
        try
        {
            return IsSupported && key.VerifyData(data, signature, hash, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;                                                    // it is no DER
        }
    }

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();

    private static string Text(string path, string what)
    {
        try
        {
            if (File.Exists(path) && FileContent.ReadText(path, LargestFile) is { Length: > 0 } text) return text;
        }
        catch (FileNotFoundException)
        {
            // A pipe of the shell: it can be opened by its name, but lies nowhere.
        }
        throw new BeearException($"There is no file '{path}' with something in it; name the file that holds {what}.");
    }

    private static List<string> Labels(ReadOnlySpan<char> pem)
    {
        var labels = new List<string>();
        while (PemEncoding.TryFind(pem, out var fields))
        {
            labels.Add(pem[fields.Label].ToString());
            pem = pem[fields.Location.End..];
        }
        return labels;
    }
}
