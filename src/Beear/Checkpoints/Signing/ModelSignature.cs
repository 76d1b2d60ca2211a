using System.Text.Json;
using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>The signature of a model, as a file: a sigstore bundle.</summary>
/// <param name="Envelope">What was signed, and the signature.</param>
/// <param name="Hint">Which key the file says that it was; anybody can have written that.</param>
/// <param name="HasCertificate">Whether the file names its signer by a certificate, not by a key.</param>
internal sealed record ModelSignature(DsseEnvelope Envelope, string? Hint, bool HasCertificate = false)
{
    /// <summary>The name of the file in a model's folder.</summary>
    public const string DefaultName = "model.sig";

    private const string MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>Bytes of a file: enough for some 50,000 names of files.</summary>
    private const long LargestFile = 16 << 20;

    /// <summary>Reads a file; nothing is verified.</summary>
    /// <exception cref="BeearException">There is none, or it is not a bundle with one signature.</exception>
    public static ModelSignature Read(string path)
    {
        if (!File.Exists(path))
            throw new BeearException($"There is no signature '{path}'; name it by --signature, or sign the folder with 'beear sign'.");
        return Parse(FileContent.Read(path, LargestFile), path);
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <exception cref="BeearException">It is not a bundle with one signature.</exception>
    public static ModelSignature Parse(byte[] utf8, string source)
    {
        var bundle = SigningJson.Read<SigstoreBundle>(FileContent.Utf8(utf8, source).Span, source);
        BeearException Fault(string fault) => new($"'{source}' is not the signature of a model: {fault}.");
        byte[] Decoded(string? base64, string what)
        {
            byte[] bytes = new byte[base64?.Length ?? 0];
            return base64 is { Length: > 0 } && Convert.TryFromBase64String(base64, bytes, out int count)
                ? bytes[..count] : throw Fault($"its {what} is missing or not base64");
        }
        if (bundle.MediaType != MediaType) throw Fault($"it is not a sigstore bundle of the media type {MediaType}");
        if (bundle.VerificationMaterial is not { } material) throw Fault("it has no verificationMaterial");
        if (bundle.DsseEnvelope is not { } envelope) throw Fault("it has no dsseEnvelope");
        if (envelope.PayloadType != DsseEnvelope.PayloadType) throw Fault($"its payload is not {DsseEnvelope.PayloadType}");
        if (envelope.Signatures is not [{ } signature]) throw Fault("it has not one signature");
        return new ModelSignature(new DsseEnvelope(Decoded(envelope.Payload, "payload"), Decoded(signature.Sig, "signature")),
            material.PublicKey?.Hint, IsGiven(material.Certificate) || IsGiven(material.X509CertificateChain));
    }

    /// <summary>The file's bytes.</summary>
    public byte[] ToBytes() => SigningJson.ToBytes(new SigstoreBundle(MediaType, new BundleMaterial(new BundleKey(Hint), []),
        new BundleEnvelope(Convert.ToBase64String(Envelope.Payload), DsseEnvelope.PayloadType,
            [new BundleSignature(Convert.ToBase64String(Envelope.Signature), Keyid: "")])));

    private static bool IsGiven(JsonElement? value) => value is { ValueKind: not JsonValueKind.Null };
}
