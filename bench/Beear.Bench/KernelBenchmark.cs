using Beear.Runtime;
using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>A kernel forward and backward beside its plain reference.</summary>
public abstract class KernelBenchmark
{
    private Tensor[] inputs = [];
    private Tensor? gradient;

    public static IEnumerable<Shape> Shapes => [Shape.SmolLm2, Shape.TinyWorld];

    [ParamsSource(nameof(Shapes))]
    public Shape Shape { get; set; } = Shape.SmolLm2;

    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Type { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        TorchRuntime.Load();
        using var scope = NewDisposeScope();
        inputs = [.. Inputs().Select(input => input.requires_grad_().DetachFromDisposeScope())];
        gradient = randn_like(PlainOf(inputs)).detach().DetachFromDisposeScope();
    }

    [GlobalCleanup]
    public void Clean()
    {
        foreach (var input in inputs) input.Dispose();
        gradient?.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Plain()
    {
        using var scope = NewDisposeScope();
        autograd.grad([PlainOf(inputs)], inputs, [gradient!]);
    }

    [Benchmark]
    public void Fused()
    {
        using var scope = NewDisposeScope();
        autograd.grad([FusedOf(inputs)], inputs, [gradient!]);
    }

    /// <summary>What gradients are taken of; other tensors are made here too, and detached from the dispose scope.</summary>
    protected abstract Tensor[] Inputs();

    protected abstract Tensor PlainOf(Tensor[] x);

    protected abstract Tensor FusedOf(Tensor[] x);
}
