using Beear.Checkpoints;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>Loads a model, saves it and reads it again.</summary>
internal static class RoundTrip
{
    /// <summary>Asserts that every tensor has the same bytes and type and config.json is unchanged, in one file and in shards.</summary>
    public static void Check(string folder)
    {
        using var scope = NewDisposeScope();
        using var source = Checkpoint.Open(folder);
        using var decoder = Decoder.Load(source, ModelOptions.Float32);
        foreach (var shard in new[] { long.MaxValue, 20_000 })
        {
            var copy = Path.Combine(Fixtures.TemporaryFolder(), "copy");
            source.SaveAs(copy, decoder.Weights.TensorsAsIn(source), shard);
            using var saved = Checkpoint.Open(copy);
            Assert.Equal(shard == long.MaxValue, File.Exists(Path.Combine(copy, "model.safetensors")));
            Assert.Equal(source.Tensors.Keys.Order(), saved.Tensors.Keys.Order());
            foreach (var (name, info) in source.Tensors)
            {
                Assert.Equal((info.DType, info.ShapeText), (saved.Tensors[name].DType, saved.Tensors[name].ShapeText));
                Assert.True(source.Read(name).bytes.SequenceEqual(saved.Read(name).bytes), name);
            }
            if (source.Config.ContainsKey("torch_dtype") || source.Config.ContainsKey("dtype"))
                Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "config.json")), File.ReadAllBytes(Path.Combine(copy, "config.json")));
            using var again = Decoder.Load(saved, ModelOptions.Float32);
            Assert.Equal(decoder.Config.ParameterCount, again.Config.ParameterCount);
            Directory.Delete(copy, recursive: true);
        }
    }
}
