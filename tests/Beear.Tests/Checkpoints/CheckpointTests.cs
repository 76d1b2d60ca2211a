using Beear.Checkpoints;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints;

public class CheckpointTests
{
    private static string SmolLm2 => Fixtures.Shared("models", "smollm2-135m-instruct");

    [Fact]
    public void Every_reference_model_opens_and_all_its_tensors_are_read()
    {
        var opened = 0;
        foreach (var directory in Directory.GetDirectories(Fixtures.Parity("models")))
        {
            using var scope = NewDisposeScope();
            using var checkpoint = Checkpoint.Open(directory);
            Assert.NotNull(checkpoint.Config["model_type"]);
            Assert.Contains("model.embed_tokens.weight", checkpoint.Tensors.Keys);
            foreach (var (name, info) in checkpoint.Tensors)
            {
                var tensor = checkpoint.Read(name);
                Assert.Equal(info.Shape, tensor.shape);
                Assert.Equal(info.ElementCount, tensor.numel());
            }
            opened++;
        }
        Assert.True(opened > 0);
    }

    [Fact]
    public void A_gguf_model_has_the_shapes_of_its_configuration()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = Checkpoint.Open(SmolLm2);
        Assert.Equal(272, checkpoint.Tensors.Count);
        Assert.Equal([49152, 576], checkpoint.Tensors["model.embed_tokens.weight"].Shape);
        Assert.Equal([192, 576], checkpoint.Tensors["model.layers.29.self_attn.k_proj.weight"].Shape);
        Assert.Equal([576, 1536], checkpoint.Tensors["model.layers.0.mlp.down_proj.weight"].Shape);
        foreach (var (name, info) in checkpoint.Tensors)
        {
            using var tensor = checkpoint.Read(name);
            Assert.Equal(info.Shape, tensor.shape);
            Assert.Equal(ScalarType.Float32, tensor.dtype);
        }
    }
}
