using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>AdamW over a model's float32 master weights, with clipping by the global norm.</summary>
public sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<Parameter> parameters;
    private readonly OptimizerOptions options;
    private readonly Tensor[] firstMoments;
    private readonly Tensor[] secondMoments;

    /// <summary>Starts with moments of zero.</summary>
    public AdamW(IReadOnlyList<Parameter> parameters, OptimizerOptions options)
    {
        this.parameters = parameters;
        this.options = options;
        using var guard = no_grad();
        firstMoments = [.. parameters.Select(parameter => zeros_like(parameter.Master, ScalarType.Float32, requires_grad: false).DetachFromDisposeScope())];
        secondMoments = [.. parameters.Select(parameter => zeros_like(parameter.Master, ScalarType.Float32, requires_grad: false).DetachFromDisposeScope())];
    }

    /// <summary>Steps taken.</summary>
    public int StepCount { get; private set; }

    /// <summary>Moves the weights along the gradients that the backward passes left, and frees the gradients.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>The gradient's global norm before clipping.</returns>
    public double Step(double learningRate)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var gradients = parameters.Select(Gradient).ToArray();
        double norm = Math.Sqrt(gradients.Sum(gradient => gradient is null ? 0 : FusedAdamW.SquaredNorm(gradient)));
        if (!double.IsFinite(norm))
            throw new BeearException($"Training diverged: the gradient of step {StepCount + 1} is not finite; use a smaller learning rate.");
        double scale = options.ClipNorm > 0 && norm > options.ClipNorm ? options.ClipNorm / (norm + 1e-6) : 1;
        StepCount++;
        var settings = new AdamWStep(learningRate, StepCount, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay, scale);
        for (int i = 0; i < parameters.Count; i++)
        {
            if (gradients[i] is not { } gradient) continue;
            var parameter = parameters[i];
            FusedAdamW.Step(parameter.Master, gradient, firstMoments[i], secondMoments[i], parameter.HasCopy ? parameter.Compute : null, settings);
            parameter.ClearGradients();
        }
        return norm;
    }

    /// <summary>The moments by name, for checkpoints.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State() =>
        [.. firstMoments.Select((moment, i) => ($"first.{i}", moment)), .. secondMoments.Select((moment, i) => ($"second.{i}", moment))];

    /// <summary>Continues from a <see cref="State"/>.</summary>
    /// <param name="read">Gives a tensor by its name.</param>
    /// <param name="stepCount">Steps that had been taken.</param>
    public void Restore(Func<string, Tensor> read, int stepCount)
    {
        using var guard = no_grad();
        for (int i = 0; i < parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            firstMoments[i].copy_(read($"first.{i}"));
            secondMoments[i].copy_(read($"second.{i}"));
        }
        StepCount = stepCount;
    }

    private static Tensor? Gradient(Parameter parameter)
    {
        Tensor? sum = null;
        foreach (var gradient in parameter.Gradients()) sum = sum is null ? gradient : sum.to(float32) + gradient.to(float32);
        return sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var moment in firstMoments.Concat(secondMoments)) moment.Dispose();
    }
}
