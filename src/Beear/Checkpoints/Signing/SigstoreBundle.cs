using System.Text.Json;

namespace Beear.Checkpoints.Signing;

/// <summary>The JSON of a sigstore bundle 0.3.</summary>
internal sealed record SigstoreBundle(string? MediaType, BundleMaterial? VerificationMaterial, BundleEnvelope? DsseEnvelope);

/// <summary>What a bundle says about the signer: the hint at a key, or a certificate.</summary>
internal sealed record BundleMaterial(
    BundleKey? PublicKey, IReadOnlyList<JsonElement>? TlogEntries, JsonElement? Certificate = null,
    JsonElement? X509CertificateChain = null);

/// <summary>The hint: which key it was; null where the signer wrote none.</summary>
internal sealed record BundleKey(string? Hint);

/// <summary>The signed content, in base64, and its signatures.</summary>
internal sealed record BundleEnvelope(string? Payload, string? PayloadType, IReadOnlyList<BundleSignature?>? Signatures);

/// <summary>One signature, in base64.</summary>
internal sealed record BundleSignature(string? Sig, string? Keyid);
