using Beear.Checkpoints;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints;

public class CheckpointTests
{
    private const string TinyConfig = """{"model_type":"llama","torch_dtype":"float32","note":"ü"}""";

    [Fact]
    public void Every_reference_model_comes_back_byte_for_byte_whole_and_in_shards()
    {
        var opened = 0;
        foreach (var directory in Directory.GetDirectories(Fixtures.Parity("models")))
        {
            using var scope = NewDisposeScope();
            using var checkpoint = Checkpoint.Open(directory);
            Assert.NotNull(checkpoint.Config["model_type"]);
            var tensors = checkpoint.Tensors.Keys.Select(name => (name, checkpoint.Read(name))).ToList();
            foreach (var (name, value) in tensors) Assert.Equal(checkpoint.Tensors[name].Shape, value.shape);

            var folder = Fixtures.TemporaryFolder();
            foreach (var maxShardBytes in new[] { long.MaxValue, 50_000 })
            {
                var copy = Path.Combine(folder, $"copy-{maxShardBytes}");
                checkpoint.SaveAs(copy, tensors, maxShardBytes);
                Assert.Equal(maxShardBytes == long.MaxValue, File.Exists(Path.Combine(copy, "model.safetensors")));
                Assert.Equal(File.ReadAllBytes(Path.Combine(directory, "config.json")),
                    File.ReadAllBytes(Path.Combine(copy, "config.json")));
                using var written = Checkpoint.Open(copy);
                Assert.Equal(checkpoint.Tensors.Keys.Order(), written.Tensors.Keys.Order());
                foreach (var (name, value) in tensors) Assert.True(value.bytes.SequenceEqual(written.Read(name).bytes),
                    $"{directory}: {name}");
            }
            Directory.Delete(folder, recursive: true);
            opened++;
        }
        Assert.True(opened > 0);
    }

    [Fact]
    public void Shards_and_index_are_named_and_counted_as_transformers_does()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = Checkpoint.Open(Tiny());
        var target = Path.Combine(Fixtures.TemporaryFolder(), "deep", "model") + Path.DirectorySeparatorChar;
        checkpoint.SaveAs(target, [("a", ones(4)), ("b", ones(4)), ("c", ones(100)), ("d", ones(2))], maxShardBytes: 32);

        var index = JsonFile.Read(Path.Combine(target, "model.safetensors.index.json"));
        Assert.Equal(440, (int)index["metadata"]!["total_size"]!);
        Assert.Equal("model-00001-of-00003.safetensors", (string)index["weight_map"]!["b"]!);
        Assert.Equal("model-00002-of-00003.safetensors", (string)index["weight_map"]!["c"]!);
        Assert.Equal("model-00003-of-00003.safetensors", (string)index["weight_map"]!["d"]!);
        using var shard = SafetensorsFile.Open(Path.Combine(target, "model-00001-of-00003.safetensors"));
        Assert.Equal(["a", "b"], shard.Tensors.Keys);
        Assert.Equal("pt", shard.Metadata["format"]);
    }

    [Fact]
    public void Files_beside_the_weights_are_carried_over_and_the_type_in_the_config_follows_the_weights()
    {
        using var scope = NewDisposeScope();
        var source = Tiny();
        string[] carried =
        [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt", "tokenizer.model",
            "chat_template.jinja", "chat_template.json", "generation_config.json", "added_tokens.json",
                "additional_chat_templates/tool_use.jinja",
        ];
        Directory.CreateDirectory(Path.Combine(source, "additional_chat_templates"));
        foreach (var name in carried) File.WriteAllText(Path.Combine(source, name), $"bytes of {name}\r\n\u00e9");
        File.WriteAllText(Path.Combine(source, "optimizer.pt"), "not ours");
        using var checkpoint = Checkpoint.Open(source);
        var target = Path.Combine(Fixtures.TemporaryFolder(), "saved");

        checkpoint.SaveAs(target, [("a", ones(4).bfloat16()), ("b", ones(1))]);

        Assert.Equal([.. carried.Append("config.json").Append("model.safetensors").Order(StringComparer.Ordinal)], Names(target));
        foreach (var name in carried) Assert.Equal(File.ReadAllBytes(Path.Combine(source, name)),
            File.ReadAllBytes(Path.Combine(target, name)));
        Assert.Equal("bfloat16", (string)JsonFile.Read(Path.Combine(target, "config.json"))["torch_dtype"]!);
        Assert.Contains("ü", File.ReadAllText(Path.Combine(target, "config.json")), StringComparison.Ordinal);
        Assert.Equal("float32", (string)checkpoint.Config["torch_dtype"]!);
    }

    [Fact]
    public void A_save_that_fails_midway_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = Checkpoint.Open(Tiny());
        var folder = Fixtures.TemporaryFolder();
        var gone = ones(3);
        var tensors = new FailingList([("a", ones(4)), ("b", gone)], () => gone.Dispose());
        Assert.ThrowsAny<Exception>(() => checkpoint.SaveAs(Path.Combine(folder, "saved"), tensors));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void A_directory_with_something_in_it_is_never_written_to()
    {
        using var scope = NewDisposeScope();
        var source = Tiny();
        using var checkpoint = Checkpoint.Open(source);
        var before = Names(source);
        var error = Assert.Throws<BeearException>(() => checkpoint.SaveAs(source, [("a", ones(4))]));
        Assert.Contains("not empty", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Names(source));
        Assert.Throws<BeearException>(() => checkpoint.SaveAs(Path.Combine(source, "config.json"), [("a", ones(4))]));
        var empty = Fixtures.TemporaryFolder();
        checkpoint.SaveAs(empty, [("a", ones(4))]);
        Assert.Equal(["config.json", "model.safetensors"], Names(empty));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Weights_that_are_no_numbers_are_an_error_that_names_the_tensor(float value)
    {
        using var scope = NewDisposeScope();
        foreach (var type in new[] { ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16 })
        {
            foreach (var position in new[] { 0, 41, 1_200_000 })
            {
                var bad = full(1_200_001, 3.5, ScalarType.Float32);
                bad[position] = value;
                using var checkpoint = Checkpoint.Open(Tiny(("fine", full(100, -65504, type)), ("model.bad", bad.to(type))));
                checkpoint.Read("fine").Dispose();
                Assert.Contains("'model.bad'", Assert.Throws<BeearException>(() => checkpoint.Read("model.bad")).Message,
                    StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void What_is_no_model_is_an_error_that_says_why()
    {
        Fails("nowhere/at/all", "There is no model");
        Fails(Folder(), "holds no model.safetensors");
        Fails(Folder(("pytorch_model.bin", "x"), ("config.json", "{}")), "save_pretrained");
        Fails(Folder(("model.pth", "x")), "pickle (model.pth)");
        foreach (var name in new[] { "pytorch_model.bin", "model.pt", "model.00.pth", "x.ckpt", "x.PKL" })
            Fails(Path.Combine(Folder((name, "x")), name), "safe_serialization=True");
        Fails(Folder(("a.gguf", ""), ("b.gguf", "")), "2 GGUF files");
        Fails(Folder(("a.gguf", "")), "not a valid GGUF file");
        Fails(Path.Combine(Tiny(), "model.safetensors"), "name the model directory");
        Fails(Path.Combine(Tiny(), "config.json"), "neither");

        var folder = Tiny();
        File.Delete(Path.Combine(folder, "config.json"));
        Fails(folder, "no config.json");
        foreach (var config in new[] { "", "[]", "{", "null", """{"a":1,"a":2}""", new string('[', 10_000), "{\"a\":NaN}" })
        {
            File.WriteAllText(Path.Combine(folder, "config.json"), config);
            Fails(folder, "config.json");
        }
    }

    [Theory]
    [InlineData("{}", "weight_map")]
    [InlineData("""{"weight_map":{"a":"model-2.safetensors"}}""", "does not exist")]
    [InlineData("""{"weight_map":{"z":"model-1.safetensors"}}""", "'z'")]
    [InlineData("""{"weight_map":{"a":"../model-1.safetensors"}}""", "same directory")]
    [InlineData("""{"weight_map":{"a":7}}""", "same directory")]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","a":"model-1.safetensors"}}""", "index.json")]
    public void A_wrong_index_is_one_clear_error(string index, string reason)
    {
        var folder = Tiny();
        File.Move(Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "model-1.safetensors"));
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), index);
        Fails(folder, reason);
    }

    [Fact]
    public void A_missing_tensor_is_an_error_that_names_it()
    {
        using var checkpoint = Checkpoint.Open(Tiny());
        Assert.Contains("'b'", Assert.Throws<BeearException>(() => checkpoint.Read("b")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_without_weights_can_be_opened_as_such()
    {
        using var checkpoint = Checkpoint.OpenWithoutWeights(Folder(("config.json", TinyConfig)));
        Assert.Empty(checkpoint.Tensors);
        Assert.Equal("llama", (string)checkpoint.Config["model_type"]!);
        Assert.Throws<BeearException>(() => Checkpoint.OpenWithoutWeights("nowhere/at/all"));
    }

    private static void Fails(string path, string reason) =>
        Assert.Contains(reason, Assert.Throws<BeearException>(() => Checkpoint.Open(path)).Message, StringComparison.Ordinal);

    private static string[] Names(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal)];

    internal static string Folder(params (string Name, string Text)[] files)
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var (name, text) in files)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
        return folder;
    }

    internal static string Tiny(params (string Name, Tensor Value)[] tensors)
    {
        using var scope = NewDisposeScope();
        var folder = Folder(("config.json", TinyConfig));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors.Length > 0 ? tensors : [("a", ones(4))]);
        return folder;
    }

    /// <summary>Does something when it has been walked through twice: after the plan, before the bytes.</summary>
    private sealed class FailingList(List<(string Name, Tensor Value)> inner, Action fail) : IReadOnlyList<(string Name, Tensor Value)>
    {
        private int walks;

        public int Count => inner.Count;

        public (string Name, Tensor Value) this[int index] => inner[index];

        public IEnumerator<(string Name, Tensor Value)> GetEnumerator()
        {
            if (++walks == 2) fail();
            return inner.GetEnumerator();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
