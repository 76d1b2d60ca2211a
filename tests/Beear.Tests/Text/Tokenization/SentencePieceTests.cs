using System.Text;
using Beear.Text;
using CsCheck;

namespace Beear.Tests.Text.Tokenization;

/// <summary>tokenizer.model, written here by hand in the published format (sentencepiece_model.proto).</summary>
public class SentencePieceTests
{
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;

    private static readonly (string Text, float Score, int Type)[] Specials =
        [("<unk>", 0, Unknown), ("<s>", 0, Control), ("</s>", 0, Control)];

    [Fact]
    public void Byte_pair_models_merge_the_best_score_first()
    {
        // Ids 3 … 8; in "▁ab", "ab" (-1) comes before "▁a" (-2).
        var model = Model(bytePair: true,
            [.. Specials, ("▁", -10, Normal), ("a", -11, Normal), ("b", -12, Normal), ("▁a", -2, Normal), ("ab", -1, Normal),
            ("▁▁", -3, Normal), ("[x]", 0, UserDefined)], removeExtra: false);
        var tokenizer = Tokenizer.FromSentencePiece(model, "tokenizer.model");
        Assert.Equal([3, 7], tokenizer.Encode("ab"));
        Assert.Equal([1, 6, 6], tokenizer.Encode("a a", addSpecialTokens: true));
        Assert.Equal([3, 6], tokenizer.Encode(" a"));
        Assert.Equal([6, 9, 6, 0], tokenizer.Encode("a[x]a日本"));
        Assert.Equal("a a", tokenizer.Decode([6, 6]));
        Assert.Equal([6, 9, 4], Tokenizer.FromSentencePiece(model, "tokenizer.model", addPrefixAfterTokens: false).Encode("a[x]a"));
        Assert.True(tokenizer.IsSpecial(1));
        Assert.False(tokenizer.IsSpecial(9));
    }

    [Fact]
    public void Unigram_models_take_the_best_path_and_bytes_for_what_is_unknown()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f, Byte));
        var model = Model(bytePair: false,
            [.. Specials, .. bytes, ("▁", -3, Normal), ("▁a", -2.5f, Normal), ("a", -2, Normal), ("aa", -3.5f, Normal)], removeExtra: true,
            byteFallback: true);
        var tokenizer = Tokenizer.FromSentencePiece(model, "tokenizer.model", addBegin: false, addEnd: true);
        const int FirstByte = 3, Space = 259, SpaceA = 260, A = 261, Aa = 262;
        Assert.Equal([SpaceA, Aa, 2], tokenizer.Encode("aaa", addSpecialTokens: true));
        Assert.Equal([SpaceA, SpaceA], tokenizer.Encode("   a   a "));
        Assert.Equal([Space, FirstByte + 0xC3, FirstByte + 0xA9, A], tokenizer.Encode("éa"));
        Assert.Equal("a é", tokenizer.Decode(tokenizer.Encode("a é")));
    }

    [Fact]
    public void What_is_not_supported_is_named()
    {
        (string, float, int)[] pieces = [.. Specials, ("a", -1, Normal)];
        Assert.Contains("type 3", Fails([.. Pieces(pieces), .. Message(2, Number(3, 3))]), StringComparison.Ordinal);
        Assert.Contains("suffix", Fails([.. Pieces(pieces), .. Message(2, Number(24, 1))]), StringComparison.Ordinal);
        Assert.Contains("escape", Fails([.. Pieces(pieces), .. Message(3, Number(5, 0))]), StringComparison.Ordinal);
        Assert.Contains("unused", Fails(Pieces([.. pieces, ("b", -1, 5)])), StringComparison.Ordinal);
        Assert.Contains("no pieces", Fails([]), StringComparison.Ordinal);
        Assert.Contains("longer than the data", Fails([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]), StringComparison.Ordinal);
        Assert.Contains("score", Fails(Pieces([.. pieces, ("b", float.NaN, Normal)])), StringComparison.Ordinal);
        Assert.Contains("twice", Fails(Model(bytePair: true, [.. pieces, ("a", -2, Normal)], removeExtra: true)), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_bytes_are_read_or_refused() => Gen.Byte.Array[0, 60].Sample(bytes =>
    {
        byte[] model = Model(bytePair: true, [.. Specials, ("a", -1, Normal)], removeExtra: true);
        bytes.AsSpan(0, Math.Min(bytes.Length, model.Length)).CopyTo(model.AsSpan(model.Length - Math.Min(bytes.Length, model.Length)));
        foreach (byte[] content in new[] { bytes, model })
        {
            try
            {
                Tokenizer.FromSentencePiece(content, "x").Encode("a b");
            }
            catch (BeearException)
            {
                // Damaged, and said so.
            }
        }
    });

    private static string Fails(byte[] model)
    {
        var error = Assert.Throws<BeearException>(() => Tokenizer.FromSentencePiece(model, "folder/tokenizer.model"));
        Assert.StartsWith("folder/tokenizer.model", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    internal static byte[] Model(bool bytePair, (string, float, int)[] pieces, bool removeExtra, bool byteFallback = false) => [
        .. Pieces(pieces), .. Message(2, [.. Number(3, bytePair ? 2 : 1), .. Number(35, byteFallback ? 1 : 0)]),
            .. Message(3, Number(4, removeExtra ? 1 : 0)),
    ];

    private static byte[] Pieces((string Text, float Score, int Type)[] pieces) => [.. pieces.SelectMany(piece =>
        Message(1, [.. Message(1, Encoding.UTF8.GetBytes(piece.Text)), (2 << 3) | 5, .. BitConverter.GetBytes(piece.Score),
            .. Number(3, piece.Type)]))];

    private static byte[] Message(int field, byte[] content) => [.. Varint((field << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
