using System.Buffers.Binary;
using System.Text;
using Beear.Checkpoints;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints;

public class SafetensorsFileTests
{
    private const string Scalars = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}""";

    [Fact]
    public void Every_type_comes_back_as_it_was_written()
    {
        using var scope = NewDisposeScope();
        ScalarType[] types =
        [
            ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
            ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
        ];
        var tensors = types.Select(type => ($"tensor {type} ü", (randn(3, 5) * 10).to(type).t())).ToList();   // not contiguous
        tensors.Add(("empty", zeros(0, 4)));
        tensors.Add(("scalar", tensor(7.5f)));
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.safetensors");

        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });

        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(tensors.Count, file.Tensors.Count);
        foreach (var (name, value) in tensors)
        {
            var read = file.Read(name);
            Assert.Equal(value.dtype, read.dtype);
            Assert.Equal(value.shape, read.shape);
            Assert.True(value.contiguous().bytes.SequenceEqual(read.bytes), name);
        }
        var header = BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path));
        Assert.Equal(0, header % 8);
    }

    [Fact]
    public void Equal_tensors_give_equal_bytes_in_any_order()
    {
        using var scope = NewDisposeScope();
        var folder = Fixtures.TemporaryFolder();
        var tensors = new List<(string, Tensor)> { ("b", ones(3)), ("a", ones(2, 2)), ("ids", zeros(3, ScalarType.Int64)),
            ("c", ones(5).bfloat16()) };
        var metadata = new Dictionary<string, string> { ["x"] = "1", ["format"] = "pt" };
        SafetensorsWriter.Write(Path.Combine(folder, "one"), tensors, metadata);
        tensors.Reverse();
        SafetensorsWriter.Write(Path.Combine(folder, "two"), tensors, metadata.Reverse().ToDictionary());
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "one")), File.ReadAllBytes(Path.Combine(folder, "two")));
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public void A_file_of_the_reference_implementation_comes_back_byte_for_byte()
    {
        using var scope = NewDisposeScope();
        var path = Fixtures.Parity("models", "llama", "model.safetensors");
        using var original = SafetensorsFile.Open(path);
        var copy = Path.Combine(Fixtures.TemporaryFolder(), "copy.safetensors");
        SafetensorsWriter.Write(copy, [.. original.Tensors.Keys.Select(name => (name, original.Read(name)))], original.Metadata);
        using var written = SafetensorsFile.Open(copy);
        Assert.Equal(original.Tensors.Keys.Order(), written.Tensors.Keys.Order());
        foreach (var name in original.Tensors.Keys) Assert.True(original.Read(name).bytes.SequenceEqual(written.Read(name).bytes), name);
    }

    [Theory]
    [InlineData("", "only")]
    [InlineData("[]", "JSON object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}""", "twice")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "repeated")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "twice")]
    [InlineData("""{"__metadata__":{"x":"1","x":"2"}}""", "twice")]
    [InlineData("""{"__metadata__":{"x":1}}""", "malformed")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[9],"data_offsets":[0,9]}}""", "'a' is of type F8_E4M3")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[25],"data_offsets":[0,100]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}}""", "malformed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "malformed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}}""", "malformed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387906],"data_offsets":[0,8]}}""", "shape")]
    [InlineData("""{"a":{"dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", "shape")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,9],"data_offsets":[0,9]}}""", "malformed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[2],"data_offsets":[7,9]}}""", "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}""", "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[[[[[[[[[[2]]]]]]]]]]]],"data_offsets":[0,8]}}""", "")]
    [InlineData("""{"a":[],"b":1}""", "malformed")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}""", "JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9]}}""", "malformed")]
    public void A_wrong_header_is_one_clear_error(string header, string reason)
    {
        var path = header.Length == 0 ? WriteBytes([1, 2, 3]) : Write(header, new byte[9]);
        var error = Assert.Throws<BeearException>(() => SafetensorsFile.Open(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL << 20)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(ulong.MaxValue)]
    public void A_lying_header_length_is_refused_without_allocating(ulong length)
    {
        var bytes = File.ReadAllBytes(Write(Scalars, new byte[9]));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        var path = WriteBytes(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<BeearException>(() => SafetensorsFile.Open(path));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void A_deeply_nested_header_is_refused() =>
        Assert.Throws<BeearException>(() => SafetensorsFile.Open(Write("{\"a\":" + new string('[', 1_000_000), new byte[9])));

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        var whole = File.ReadAllBytes(Write(Scalars, new byte[9]));
        for (var length = 0; length < whole.Length; length++)
        {
            var path = WriteBytes(whole[..length]);
            Assert.Throws<BeearException>(() => SafetensorsFile.Open(path));
        }
    }

    [Fact]
    public void A_missing_file_or_tensor_is_a_clear_error()
    {
        Assert.Contains("does not exist", Assert.Throws<BeearException>(() => SafetensorsFile.Open("nowhere.safetensors")).Message,
            StringComparison.Ordinal);
        using var file = SafetensorsFile.Open(Write(Scalars, new byte[9]));
        Assert.Contains("'c'", Assert.Throws<BeearException>(() => file.Read("c")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_write_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        var folder = Fixtures.TemporaryFolder();
        var path = Path.Combine(folder, "model.safetensors");
        var gone = ones(3);
        gone.Dispose();
        Assert.ThrowsAny<Exception>(() => SafetensorsWriter.Write(path, [("a", ones(3)), ("b", gone)]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", ones(3)), ("a", ones(3))]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", ones(3, ScalarType.ComplexFloat32))]));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Assert.Throws<BeearException>(() => SafetensorsWriter.Write(Path.Combine(folder, "no", "where"), [("a", ones(3))]));
    }

    [Fact]
    public void Damaged_bytes_are_either_refused_or_read()
    {
        var whole = File.ReadAllBytes(Write(Scalars, new byte[9]));
        DamagedFiles.Read(whole, "damaged.safetensors", path =>
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var name in file.Tensors.Keys) file.Read(name).Dispose();
        }, most: 4);
    }

    internal static string Write(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return WriteBytes([.. length, .. json, .. data]);
    }

    private static string WriteBytes(byte[] bytes)
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
