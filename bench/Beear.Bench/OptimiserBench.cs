using Beear.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>AdamW over one parameter: fused, plain torch operations, and TorchSharp's own optimiser.</summary>
internal static class OptimiserBench
{
    public static IEnumerable<Row> Run(Shape shape)
    {
        foreach (var (name, size) in new[] { ("norm weight", shape.Hidden), ("projection", shape.Hidden * shape.FeedForward), ("embedding", shape.Vocabulary * shape.Hidden) })
        {
            using var scope = NewDisposeScope();
            var (weights, first, second) = (randn(size), zeros(size), zeros(size));
            var copy = zeros(size, dtype: ScalarType.BFloat16);
            foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                var gradient = randn(size).to_type(type);
                var target = type == ScalarType.BFloat16 ? copy : null;
                yield return new Row($"AdamW, {name}", type,
                    Stopwatches.LeastMicroseconds(() => PlainAdamW.Step(weights, gradient, first, second, target, new AdamWStep(1e-4, 10))),
                    Stopwatches.LeastMicroseconds(() => FusedAdamW.Step(weights, gradient, first, second, target, new AdamWStep(1e-4, 10))));
                yield return new Row($"squared norm, {name}", type,
                    Stopwatches.LeastMicroseconds(() => PlainAdamW.SquaredNorm(gradient)),
                    Stopwatches.LeastMicroseconds(() => FusedAdamW.SquaredNorm(gradient)));
            }
            var parameter = new Parameter(weights);
            parameter.grad = randn(size);
            using var optimiser = optim.AdamW([parameter], 1e-4);
            yield return new Row($"TorchSharp AdamW, {name}", ScalarType.Float32, Stopwatches.LeastMicroseconds(() => optimiser.step()), null);
        }
    }
}
