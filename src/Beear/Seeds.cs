using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Beear;

/// <summary>The one way in which a part's seed is made of the whole's.</summary>
internal static class Seeds
{
    /// <summary>
    /// A seed of a part: a hash of the whole's seed and the part's names. Parts of other names, and the same part under another seed, have
    /// nothing in common.
    /// </summary>
    /// <param name="seed">Of the whole.</param>
    /// <param name="names">What the part is called, from the larger to the smaller; ("a", "b") and ("ab") are different.</param>
    /// <returns>0 or more, the same on every machine.</returns>
    public static int Derive(int seed, params ReadOnlySpan<string> names)
    {
        var bytes = new List<byte>(64);
        Append(seed);
        foreach (string name in names)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(name);
            Append(utf8.Length);
            bytes.AddRange(utf8);
        }
        return BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData([.. bytes])) & int.MaxValue;

        void Append(int number)
        {
            Span<byte> four = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(four, number);
            bytes.AddRange(four);
        }
    }
}
