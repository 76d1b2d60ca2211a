using Beear.Checkpoints.Gguf;

namespace Beear.Tests.Checkpoints.Gguf;

public class GgufFileTests
{
    [Fact]
    public void Metadata_of_every_type_are_read()
    {
        var path = Small().WriteTo(Fixtures.TemporaryFolder());
        using var file = GgufFile.Open(path);
        Assert.Equal("llama", file.Metadata["general.architecture"]);
        Assert.Equal((byte)200, file.Metadata["u8"]);
        Assert.Equal((sbyte)-3, file.Metadata["i8"]);
        Assert.Equal((ushort)60000, file.Metadata["u16"]);
        Assert.Equal((short)-300, file.Metadata["i16"]);
        Assert.Equal(-5L, file.Metadata.Integer("i32"));
        Assert.Equal(ulong.MaxValue, file.Metadata["u64"]);
        Assert.Null(file.Metadata.Integer("u64"));
        Assert.Equal(-7L, file.Metadata["i64"]);
        Assert.Equal(1e-5, file.Metadata.Real("f32"));
        Assert.Equal(0.1, file.Metadata.Real("f64"));
        Assert.Equal(true, file.Metadata["truth"]);
        Assert.Equal(["Ġa", "", "b"], file.Metadata.Array("tokens")!.ToStrings()!);
        Assert.Equal([1L, -2], file.Metadata.Array("types")!.ToIntegers()!);
        Assert.Null(file.Metadata.Array("types")!.ToStrings());
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        var whole = Small().ToBytes();
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<BeearException>(() => GgufFile.Open(path));
        }
    }

    public static TheoryData<string, string> WrongFiles =>
        [.. Wrong.Keys.Select(name => new TheoryDataRow<string, string>(name, Wrong[name].Reason))];

    private static readonly byte[] Huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    private static readonly byte[] Nested = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] Eight = new byte[8];

    private static readonly Dictionary<string, (GgufBuilder File, string Reason)> Wrong = new()
    {
        ["version 1"] = (new() { Version = 1 }, "version 1"),
        ["big-endian"] = (new() { Version = 0x03000000 }, "little-endian"),
        ["number of values"] = (new() { ClaimedValues = ulong.MaxValue }, "room"),
        ["number of tensors"] = (new() { ClaimedTensors = ulong.MaxValue / 2 }, "tensors"),
        ["string length"] = (new GgufBuilder().RawValue("k", [8, 0, 0, 0, .. Huge]), "room"),
        ["array count"] = (new GgufBuilder().RawValue("k", [9, 0, 0, 0, 4, 0, 0, 0, .. Huge]), "'k'"),
        ["array of strings"] = (new GgufBuilder().RawValue("k", [9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, .. Huge]), "'k'"),
        ["nested arrays"] = (new GgufBuilder()
            .RawValue("k", [9, 0, 0, 0, .. Nested, .. Nested, .. Nested, .. Nested, .. Nested]), "nested"),
        ["type of a value"] = (new GgufBuilder().RawValue("k", [99, 0, 0, 0, .. Eight]), "unknown type 99"),
        ["text that is not UTF-8"] = (new GgufBuilder().RawValue("k", [8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0x28]), "UTF-8"),
        ["a key twice"] = (new GgufBuilder().Value("k", 1u).Value("k", 2u), "twice"),
        ["alignment 0"] = (new GgufBuilder().Value("general.alignment", 0u).Tensor("a", 0, [2], Eight), "alignment 0"),
        ["alignment 24"] = (new GgufBuilder().Value("general.alignment", 24u).Tensor("a", 0, [2], Eight), "alignment 24"),
        ["alignment 2^31"] = (new GgufBuilder().Value("general.alignment", 1u << 31).Tensor("a", 0, [2], Eight), "alignment"),
        ["alignment of another type"] = (new GgufBuilder().Value("general.alignment", "32").Tensor("a", 0, [2], Eight), "alignment"),
        ["five dimensions"] = (new GgufBuilder().Tensor("a", 0, [2, 1, 1, 1, 1], Eight), "5 dimensions"),
        ["dimension overflow"] = (new GgufBuilder().Tensor("a", 0, [1UL << 62, 1UL << 62, 4], Eight), "too large"),
        ["dimension beyond 63 bits"] = (new GgufBuilder().Tensor("a", 0, [ulong.MaxValue], Eight), "too large"),
        ["rows of half a block"] = (new GgufBuilder().Tensor("a", GgufBuilder.Q8_0, [16], new byte[34]), "whole blocks"),
        ["unknown type"] = (new GgufBuilder().Tensor("a.b", 16, [256], new byte[66]), "of type IQ2_XXS"),
        ["unknown type's number"] = (new GgufBuilder().Tensor("a.b", 1234, [256], new byte[144]), "number 1234"),
        ["offset out of range"] = (new GgufBuilder().Tensor("a", 0, [2], Eight, offset: 1 << 20), "offset"),
        ["offset beyond 63 bits"] = (new GgufBuilder().Tensor("a", 0, [2], Eight, offset: ulong.MaxValue - 31), "offset"),
        ["offset not aligned"] = (new GgufBuilder().Tensor("a", 0, [2], Eight, offset: 4), "multiple of 32"),
        ["overlapping tensors"] = (new GgufBuilder().Tensor("a", 0, [16], new byte[64]).Tensor("b", 0, [2], Eight, offset: 32), "overlaps"),
        ["too few bytes"] = (new GgufBuilder().Tensor("a", 0, [3], Eight), "beyond"),
        ["a tensor twice"] = (new GgufBuilder().Tensor("a", 0, [2], Eight).Tensor("a", 0, [2], Eight), "twice"),
    };

    [Theory, MemberData(nameof(WrongFiles))]
    public void A_wrong_header_is_one_clear_error_without_allocating(string name, string reason)
    {
        var path = Wrong[name].File.WriteTo(Fixtures.TemporaryFolder());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<BeearException>(() => GgufFile.Open(path));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_bytes_are_either_refused_or_read()
    {
        var whole = Small().ToBytes();
        DamagedFiles.Read(whole, "damaged.gguf", path =>
        {
            using var file = GgufFile.Open(path);
            foreach (var name in file.Tensors.Keys) file.Read(name).Dispose();
            foreach (var array in file.Metadata.Values.OfType<GgufArray>()) Assert.True(array.ToStrings() is null
                || array.ToIntegers() is null);
        }, most: 4);
    }

    private static GgufBuilder Small() => new GgufBuilder()
        .Value("general.architecture", "llama").Value("u8", (byte)200).Value("i8", (sbyte)-3).Value("u16", (ushort)60000)
            .Value("i16", (short)-300)
        .Value("i32", -5).Value("u64", ulong.MaxValue).Value("i64", -7L).Value("f32", 1e-5f).Value("f64", 0.1).Value("truth", true)
        .Value("tokens", new[] { "Ġa", "", "b" }).Value("types", new[] { 1, -2 })
        .Tensor("token_embd.weight", GgufBuilder.Q8_0, [2, 32], new byte[68])
        .Tensor("output_norm.weight", GgufBuilder.F32, [4], new byte[16]);
}
