using Beear.Lab.Benchmarks;
using Beear.Tests.Cli;

namespace Beear.Tests.Benchmarks;

public sealed class ModelShapesTests
{
    [Fact]
    public void A_shape_has_its_own_layers_or_as_many_as_asked()
    {
        Assert.Equal(30, ModelShapes.Find("smollm2-135m").Layers);
        var shallow = ModelShapes.Find("smollm2-135m", layers: 4);
        Assert.Equal((4, 576), (shallow.Layers, shallow.HiddenSize));
        Assert.Contains("at least 1", Assert.Throws<BeearException>(() => ModelShapes.Find("smollm2-135m", 0)).Message,
            StringComparison.Ordinal);
        Assert.Contains("smollm2-135m", Assert.Throws<BeearException>(() => ModelShapes.Find("smollm")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_models_layers_are_its_own()
    {
        var run = CliRun.Of("bench", "model", "--layers", "2");
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("--shape", run.Error, StringComparison.Ordinal);
    }
}
