using System.Text;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Lab.World;
using Beear.Models;
using Beear.Text;
using Beear.Training;

namespace Beear.Tests.Checkpoints;

/// <summary>Files and folders that are no model are named for what they are, with what to do.</summary>
public class WhatItIsTests
{
    private const string Pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize "
            + "12345\n";

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("chat_template.jinja")]
    public void A_Git_LFS_pointer_is_named_wherever_a_model_has_one(string name)
    {
        var folder = Model();
        File.WriteAllText(Path.Combine(folder, name), Pointer);
        IsPointer(name, () => LanguageModel.Load(folder, ModelOptions.Float32).Dispose());
    }

    [Fact]
    public void A_Git_LFS_pointer_is_named_in_place_of_other_files()
    {
        var folder = CheckpointTests.Folder(("m.gguf", Pointer), ("tokenizer.json", Pointer), ("recipe.yaml", Pointer));
        IsPointer("m.gguf", () => Checkpoint.Open(Path.Combine(folder, "m.gguf")));
        IsPointer("m.gguf", () => Checkpoint.Open(folder));
        IsPointer("tokenizer.json", () => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")));
        IsPointer("recipe.yaml", () => Recipe.Read<OptimizerOptions>(Path.Combine(folder, "recipe.yaml")));
        foreach (var name in new[] { "a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet" })
        {
            File.WriteAllText(Path.Combine(folder, name), Pointer);
            IsPointer(name, () => DataFile.Read(Path.Combine(folder, name)));
        }
        var sharded = CheckpointTests.Folder(("config.json", "{}"), ("model-1.safetensors", Pointer), ("model.safetensors.index.json", """{"weight_map":{"a":"model-1.safetensors"}}"""));
        IsPointer("model-1.safetensors", () => Checkpoint.Open(sharded));
        File.Delete(Path.Combine(sharded, "model.safetensors.index.json"));
        var sentencePiece = CheckpointTests.Folder(("config.json", "{}"), ("tokenizer.model", Pointer));
        IsPointer("tokenizer.model", () => Checkpoint.OpenWithoutWeights(sentencePiece).LoadChatFormat());
    }

    [Theory]
    [InlineData("optimizer.pt")]
    [InlineData("scheduler.pt")]
    [InlineData("training_args.bin")]
    [InlineData("rng_state.pth")]
    [InlineData("rng_state_0.pth")]
    [InlineData("scaler.pt")]
    public void The_state_of_a_Trainer_is_not_taken_for_weights(string name)
    {
        var folder = CheckpointTests.Folder((name, "x"), ("config.json", "{}"));
        Fails(Path.Combine(folder, name), $"{name}' is the state of a Trainer", "name the checkpoint's directory");
        Fails(folder, $"only the state of a Trainer ({name})", "model.safetensors");
        File.WriteAllText(Path.Combine(folder, "pytorch_model.bin"), "x");
        Fails(folder, "pickle (pytorch_model.bin)");
    }

    [Fact]
    public void The_original_formats_are_named()
    {
        var meta = CheckpointTests.Folder(("consolidated.00.pth", "x"), ("params.json", "{}"));
        Fails(meta, "Meta's original format (consolidated.00.pth)", "take the model's Hugging Face form");
        Fails(Path.Combine(meta, "consolidated.00.pth"), "Meta's original format", "take the model's Hugging Face form");
        Fails(CheckpointTests.Folder(("consolidated.safetensors", "x"), ("params.json", "{}")),
            "Mistral's own format (consolidated.safetensors)", "Hugging Face form");
    }

    [Theory]
    [InlineData("tf_model.h5", "TensorFlow")]
    [InlineData("flax_model.msgpack", "Flax")]
    [InlineData("model.onnx", "ONNX")]
    public void Weights_of_other_frameworks_are_named(string name, string framework)
    {
        var folder = CheckpointTests.Folder((name, "x"), ("config.json", "{}"));
        Fails(folder, $"{framework} ({name})", "safetensors");
        Fails(Path.Combine(folder, name), framework);
    }

    [Fact]
    public void Shards_without_their_index_are_named()
    {
        var folder = CheckpointTests.Folder(("config.json", "{}"), ("model-00001-of-00002.safetensors", "x"));
        Fails(folder, "holds model-00001-of-00002.safetensors", "model.safetensors.index.json");
    }

    [Fact]
    public void The_hubs_cache_is_named_and_the_snapshot_to_take()
    {
        var cache = Fixtures.TemporaryFolder();
        var model = Path.Combine(cache, "models--owner--name");
        var snapshot = Directory.CreateDirectory(Path.Combine(model, "snapshots", new string('a', 40))).FullName;
        Directory.CreateDirectory(Path.Combine(model, "blobs"));
        Fails(cache, "is the cache of the Hugging Face hub", "owner/name");
        Fails(model, "is the folder of 'owner/name' in the cache of the Hugging Face hub", $"'{snapshot}'");
        Fails(Path.Combine(model, "snapshots"), $"'{snapshot}'");

        var newer = Directory.CreateDirectory(Path.Combine(model, "snapshots", new string('b', 40))).FullName;
        Directory.CreateDirectory(Path.Combine(model, "refs"));
        File.WriteAllText(Path.Combine(model, "refs", "main"), new string('b', 40));
        Fails(model, $"'{newer}'");
        var home = Fixtures.TemporaryFolder();
        Directory.Move(cache, Path.Combine(home, "hub"));
        Fails(home, "is the cache of the Hugging Face hub", "owner/name");
    }

    [Fact]
    public void A_folder_whose_weights_lie_one_folder_deeper_says_which()
    {
        var folder = CheckpointTests.Folder(("model/model.safetensors", "x"), ("notes/readme.txt", "x"));
        Fails(folder, "holds no weights, but its folder 'model' does", "name that");
        Directory.CreateDirectory(Path.Combine(folder, "checkpoint-200"));
        File.WriteAllText(Path.Combine(folder, "checkpoint-200", "model.safetensors.index.json"), "{}");
        Fails(folder, "its folders 'checkpoint-200' and 'model' do", "name one of them");
    }

    [Fact]
    public void Json_with_a_byte_order_mark_is_read_and_saved_without_it()
    {
        var folder = Model();
        byte[] mark = [0xEF, 0xBB, 0xBF];
        foreach (var file in Directory.GetFiles(folder, "*.json")) File.WriteAllBytes(file, [.. mark, .. File.ReadAllBytes(file)]);
        using var model = LanguageModel.Load(folder, ModelOptions.Float32);
        using var plain = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        Assert.Equal(plain.Chat.EncodePrompt([ChatTurn.User("a red thing")]), model.Chat.EncodePrompt([ChatTurn.User("a red thing")]));
        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        model.Save(saved);
        foreach (var file in Directory.GetFiles(saved, "*.json")) Assert.Equal((byte)'{', File.ReadAllBytes(file)[0]);
        Assert.Equal(3, Tokenizer.Load(Path.Combine(folder, "tokenizer.json")).IdOf("<|end|>"));
        Assert.Equal(3, Tokenizer.FromJson(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")), "tokenizer.json").IdOf("<|end|>"));
    }

    [Fact]
    public void An_index_and_a_recipe_with_a_byte_order_mark_are_read()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var folder = CheckpointTests.Tiny();
        File.Move(Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "model-1.safetensors"));
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), """{"weight_map":{"a":"model-1.safetensors"}}""", new UTF8Encoding(true));
        using (var checkpoint = Checkpoint.Open(folder)) Assert.Equal(["a"], checkpoint.Tensors.Keys);
        File.WriteAllText(Path.Combine(folder, "recipe.yaml"), "learning_rate: 0.5\n", new UTF8Encoding(true));
        Assert.Equal(0.5, Recipe.Read<OptimizerOptions>(Path.Combine(folder, "recipe.yaml")).LearningRate);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void UTF_16_is_named(bool withMark)
    {
        foreach (var encoding in new[] { new UnicodeEncoding(false, withMark), new UnicodeEncoding(true, withMark) })
        {
            foreach (var name in new[] { "config.json", "tokenizer.json", "generation_config.json" })
            {
                var folder = Model();
                var path = Path.Combine(folder, name);
                File.WriteAllText(path, File.ReadAllText(path), encoding);
                Assert.Contains($"{name}' is UTF-16",
                    Assert.Throws<BeearException>(() => LanguageModel.Load(folder, ModelOptions.Float32)).Message,
                    StringComparison.Ordinal);
            }
            var data = CheckpointTests.Folder();
            File.WriteAllText(Path.Combine(data, "a.csv"), "goal,target\nx,y\n", encoding);
            Assert.Contains("is UTF-16", Assert.Throws<BeearException>(() => DataFile.Read(Path.Combine(data, "a.csv"))).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"quant_method":"gptq","bits":4}""", "GPTQ, 4 bits")]
    [InlineData("""{"quant_method":"awq","bits":4,"group_size":128}""", "AWQ, 4 bits")]
    [InlineData("""{"quant_method":"bitsandbytes","load_in_4bit":true}""", "bitsandbytes, 4 bits")]
    [InlineData("""{"load_in_8bit":true}""", "bitsandbytes, 8 bits")]
    [InlineData("""{"quant_method":"fp8","activation_scheme":"dynamic"}""", "FP8")]
    [InlineData("""{"quant_method":"compressed-tensors","format":"pack-quantized"}""", "compressed-tensors, pack-quantized")]
    [InlineData("""{"quant_method":"mxfp4"}""", "MXFP4")]
    [InlineData("""{"quant_method":"hqq"}""", "HQQ")]
    [InlineData("""{"quant_method":"something-new"}""", "something-new")]
    [InlineData("{}", "by a method that is not named")]
    public void Quantised_weights_say_how_and_what_to_take_instead(string quantization, string named)
    {
        var folder = Model();
        var path = Path.Combine(folder, "config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json["quantization_config"] = JsonNode.Parse(quantization);
        File.WriteAllText(path, json.ToJsonString());
        var message = Assert.Throws<BeearException>(() => LanguageModel.Load(folder, ModelOptions.Float32)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains("unquantised original, or a GGUF file", message, StringComparison.Ordinal);
        json.Remove("quantization_config");
        json["compression_config"] = JsonNode.Parse("""{"format":"sparse"}""");
        File.WriteAllText(path, json.ToJsonString());
        Assert.Contains("compression_config", Assert.Throws<BeearException>(() => LanguageModel.Load(folder, ModelOptions.Float32)).Message,
            StringComparison.Ordinal);
    }

    private static string Model()
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var source in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(source,
            Path.Combine(folder, Path.GetFileName(source)));
        return folder;
    }

    private static void IsPointer(string name, Action open)
    {
        var message = Assert.Throws<BeearException>(open).Message;
        Assert.Contains(name, message, StringComparison.Ordinal);
        Assert.Contains("is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'.", message, StringComparison.Ordinal);
    }

    private static void Fails(string path, params string[] parts)
    {
        var message = Assert.Throws<BeearException>(() => Checkpoint.Open(path)).Message;
        foreach (var part in parts) Assert.Contains(part, message, StringComparison.Ordinal);
    }
}
