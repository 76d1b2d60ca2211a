using System.Text;

namespace Beear.Checkpoints.Signing;

/// <summary>Content with a signature over it and over what it is (DSSE v1).</summary>
/// <param name="Payload">The content.</param>
/// <param name="Signature">ECDSA, in DER.</param>
internal sealed record DsseEnvelope(byte[] Payload, byte[] Signature)
{
    /// <summary>What the content is; nothing else is read.</summary>
    public const string PayloadType = "application/vnd.in-toto+json";

    /// <summary>Signs a content.</summary>
    public static DsseEnvelope Sign(byte[] payload, SigningKey key) => new(payload, key.Sign(Encoded(payload)));

    /// <summary>Whether the key's private part made the signature over just this content.</summary>
    public bool IsSignedBy(SigningKey key) => key.Verifies(Encoded(Payload), Signature);

    /// <summary>The bytes that are signed: DSSE's pre-authentication encoding.</summary>
    private static byte[] Encoded(byte[] payload)
    {
        string head = FormattableString.Invariant($"DSSEv1 {PayloadType.Length} {PayloadType} {payload.Length} ");
        return [.. Encoding.ASCII.GetBytes(head), .. payload];
    }
}
