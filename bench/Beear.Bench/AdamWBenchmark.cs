using Beear.Kernels;
using Beear.Runtime;
using BenchmarkDotNet.Attributes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>A step of AdamW over one parameter: plain torch operations, fused, and TorchSharp's own optimiser.</summary>
public class AdamWBenchmark
{
    private static readonly AdamWStep Settings = new(1e-4, 10);
    private Tensor[] state = [];                                         // weights, both moments, gradient, bfloat16 copy
    private AdamW? optimizer;

    /// <summary>Elements: a norm, a projection and the embeddings of SmolLM2-135M.</summary>
    [Params(576, 576 * 1536, 49152 * 576)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        TorchRuntime.Load();
        using var scope = NewDisposeScope();
        state = [.. new[] { randn(Size), zeros(Size), zeros(Size), randn(Size).to_type(ScalarType.BFloat16),
            zeros(Size, dtype: ScalarType.BFloat16) }
            .Select(tensor => tensor.DetachFromDisposeScope())];
        var parameter = new Parameter(state[0].clone().DetachFromDisposeScope())
        {
            grad = state[3].to_type(ScalarType.Float32).DetachFromDisposeScope()
        };
        optimizer = optim.AdamW([parameter], 1e-4);
    }

    [GlobalCleanup]
    public void Clean()
    {
        optimizer?.Dispose();
        foreach (var tensor in state) tensor.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Plain() => PlainAdamW.Step(state[0], state[3], state[1], state[2], state[4], Settings);

    [Benchmark]
    public void Fused() => FusedAdamW.Step(state[0], state[3], state[1], state[2], state[4], Settings);

    [Benchmark]
    public void TorchSharpOptimizer()
    {
        using var scope = NewDisposeScope();
        optimizer!.step();
    }
}
