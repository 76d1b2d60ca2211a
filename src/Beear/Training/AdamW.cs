using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>AdamW over a model's master weights, with clipping by the global norm.</summary>
internal sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<Parameter> parameters;
    private readonly Dictionary<Parameter, int> places;
    private readonly OptimizerOptions options;
    private readonly Tensor[] firstMoments;
    private readonly Tensor[] secondMoments;

    /// <summary>Starts with moments of zero.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="options">Constants.</param>
    /// <param name="moments">Element type of both moments.</param>
    public AdamW(IReadOnlyList<Parameter> parameters, OptimizerOptions options, StoredType moments = StoredType.Float32)
    {
        this.parameters = parameters;
        this.options = options;
        places = parameters.Select((parameter, i) => (parameter, i)).ToDictionary(pair => pair.parameter, pair => pair.i);
        using var guard = no_grad();
        var type = moments == StoredType.Bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Tensor Zeros(Parameter parameter) => zeros_like(parameter.Master, type, requires_grad: false).DetachFromDisposeScope();
        firstMoments = [.. parameters.Select(Zeros)];
        secondMoments = [.. parameters.Select(Zeros)];
    }

    /// <summary>Steps taken.</summary>
    public int StepCount { get; private set; }

    /// <summary>Moves the weights along the gradients that the backward passes left, and frees the gradients.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>The gradient's global norm before clipping.</returns>
    public double Step(double learningRate)
    {
        double norm = Math.Sqrt(StepPart(parameters, learningRate));
        EndStep();
        return norm;
    }

    /// <summary>
    /// Part of a step: moves some weights whose gradients are final, and frees the gradients. They are clipped by the norm of these
    /// gradients alone.
    /// </summary>
    /// <param name="part">Some of the parameters; each once in a step.</param>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>The gradients' squared norm before clipping.</returns>
    public double StepPart(IReadOnlyList<Parameter> part, double learningRate)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var gradients = part.Select(parameter => parameter.Gradient()).ToArray();
        double squaredNorm = FusedAdamW.SquaredNorm([.. gradients.OfType<Tensor>()]), norm = Math.Sqrt(squaredNorm);
        if (!double.IsFinite(norm))
            throw new BeearException($"Training diverged: the gradient of step {StepCount + 1} is not finite; use a "
                + "smaller learning rate.");
        double scale = options.ClipNorm > 0 && norm > options.ClipNorm ? options.ClipNorm / (norm + 1e-6) : 1;
        var settings = new AdamWStep(learningRate, StepCount + 1, options.Beta1, options.Beta2, options.Epsilon,
            options.WeightDecay, scale);
        for (int i = 0; i < part.Count; i++)
        {
            if (gradients[i] is not { } gradient) continue;
            Update(part[i], gradient, settings);
            part[i].ClearGradients();
        }
        return squaredNorm;
    }

    /// <summary>Checks a step's loss; with an infinite one gradients may be finite all the same.</summary>
    /// <param name="loss">The loss, which is handed back.</param>
    /// <param name="step">1 for the first.</param>
    /// <param name="name">What the loss is called; null for one that is the only one.</param>
    /// <exception cref="BeearException">It is NaN or infinite.</exception>
    internal static double FiniteLoss(double loss, int step, string? name = null) => double.IsFinite(loss) ? loss
        : throw new BeearException($"Training diverged: the loss{(name is null ? "" : $" '{name}'")} of step {step} is not finite; "
            + "use a smaller learning rate.");

    /// <summary>Ends a step that was taken in parts.</summary>
    public void EndStep() => StepCount++;

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

    private void Update(Parameter parameter, Tensor gradient, in AdamWStep settings)
    {
        int i = places[parameter];
        var copy = parameter.HasCopy ? parameter.Compute : null;
        if (parameter.Master.dtype == ScalarType.Float32 && firstMoments[i].dtype == ScalarType.Float32)
            FusedAdamW.Step(parameter.Master, gradient, firstMoments[i], secondMoments[i], copy, settings);
        else
            CompactAdamW.Step(parameter.Master, gradient, firstMoments[i], secondMoments[i], copy, settings,
                StochasticRounding.Key(settings.Step, i));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var moment in firstMoments.Concat(secondMoments)) moment.Dispose();
    }
}
