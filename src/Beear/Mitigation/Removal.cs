using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One step of the outer level.</summary>
/// <param name="Losses">Each term's unweighted mean loss, by its name.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
internal sealed record OuterStep(IReadOnlyDictionary<string, double> Losses, double GradientNorm);

/// <summary>
/// The outer level: fine-tunes all weights so that the model answers safely in spite of δ* while the other terms keep it helpful
/// (paper, equation 4). Without δ the same steps are plain safety fine-tuning.
/// </summary>
internal sealed class Removal : IDisposable
{
    private readonly Decoder decoder;
    private readonly IReadOnlyList<OuterTerm> terms;
    private readonly OptimizerOptions options;
    private readonly AdamW optimizer;
    private readonly IReadOnlyList<Parameter> trained;
    private readonly int passTokens;
    private readonly OwnPassTerm? own;
    private readonly EconomyOptions economy;
    private readonly double averagedShare;
    private readonly WeightMean? mean;

    /// <summary>Prepares the optimiser.</summary>
    /// <param name="decoder">The model; its weights are thawed for each step only.</param>
    /// <param name="terms">At least one, unless there is a term with its own pass.</param>
    /// <param name="options">Constants of AdamW.</param>
    /// <param name="passTokens">Terms share a pass as long as it has no more real tokens than this.</param>
    /// <param name="own">A term with a pass of its own, which is disposed with this; null for none.</param>
    /// <param name="economy">What is done to need less memory; null for nothing.</param>
    /// <param name="averagedShare">
    /// Share of the steps of a <see cref="Run"/>, its last ones, in whose weights' mean it ends; 0 for the last step's own.
    /// </param>
    /// <exception cref="BeearException">There are no terms, or the economy does not fit the model.</exception>
    public Removal(Decoder decoder, IReadOnlyList<OuterTerm> terms, OptimizerOptions options,
        int passTokens = OuterTermOptions.DefaultPassTokens,
        OwnPassTerm? own = null, EconomyOptions? economy = null, double averagedShare = 0)
    {
        if (terms.Count == 0 && own is null) throw new BeearException(
            "The outer level has no terms; give at least one term a weight above 0.");
        this.decoder = decoder;
        this.terms = terms;
        this.options = options.For(decoder.Config.HiddenSize);
        this.passTokens = passTokens;
        this.own = own;
        this.economy = economy ?? new EconomyOptions
        {
            Weights = decoder.Options.MasterType == ScalarType.BFloat16 ? StoredType.Bfloat16 : StoredType.Float32
        };
        this.economy.Validate(decoder.Config);
        this.economy.CheckWeights(decoder);
        trained = decoder.Weights.Trained(this.economy.FrozenLayers);
        optimizer = new AdamW(trained, options, this.economy.Moments);
        this.averagedShare = averagedShare;
        if (averagedShare > 0) mean = new WeightMean(trained);
    }

    /// <summary>
    /// Takes steps from where the last one left the weights, and ends in the mean of the last ones' weights if that was asked for.
    /// </summary>
    /// <param name="perturbations">δ of each step; null elements for none.</param>
    /// <param name="totalSteps">Steps of the whole run; matters only for the learning rate's decay.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="endsInMean">False to end in the last step's weights all the same.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public IReadOnlyList<OuterStep> Run(IReadOnlyList<Perturbation?> perturbations, int totalSteps, IProgress<RunProgress>? progress = null,
        string stage = "outer level", bool endsInMean = true, CancellationToken cancellation = default)
    {
        GoOn();
        if (endsInMean) mean?.Clear();
        var steps = new List<OuterStep>(perturbations.Count);
        int averaged = Math.Max(1, (int)Math.Round(averagedShare * perturbations.Count));
        foreach (var perturbation in perturbations)
        {
            cancellation.ThrowIfCancellationRequested();
            FreedMemory.Settle();
            steps.Add(Step(perturbation, totalSteps, cancellation));
            if (endsInMean && steps.Count > perturbations.Count - averaged) mean?.Add();
            progress?.Report(new RunProgress(stage, steps.Count, perturbations.Count,
                string.Join(", ", steps[^1].Losses.Select(loss => $"{loss.Key} {loss.Value:F2}"))));
        }
        if (endsInMean && mean is not null) Exchange();
        return steps;
    }

    /// <summary>Whether a mean stands in the weights' place.</summary>
    internal bool IsMean { get; private set; }

    /// <summary>After a <see cref="Run"/> that ended in a mean: puts the last step's weights in its place, or it in theirs.</summary>
    internal void Exchange()
    {
        mean!.Exchange();
        IsMean = !IsMean;
    }

    /// <summary>Where the weights are a mean, puts those of the last step back, from which the next steps go on.</summary>
    internal void GoOn()
    {
        if (IsMean) Exchange();
    }

    private OuterStep Step(Perturbation? perturbation, int totalSteps, CancellationToken cancellation)
    {
        own?.Prepare(cancellation);
        var batches = terms.Select(term => term.Next(perturbation)).ToList();
        using var losses = new TermLosses(terms.Select(term => term.Name));
        double learningRate = options.LearningRateAt(optimizer.StepCount, totalSteps);
        foreach (var parameter in trained) parameter.RequiresGradient = true;
        try
        {
            if (economy.UpdateInBackward)
            {
                double norm = UpdateInBackward(batches, perturbation, losses, learningRate);
                return new OuterStep(losses.Read(optimizer.StepCount), norm);
            }
            foreach (var parts in Passes(batches))
            {
                cancellation.ThrowIfCancellationRequested();             // before the weights move
                // One pass at a time: what it keeps for its backward is freed before the next one begins.
                using var pass = new OuterPass(decoder, parts, economy.ScoresAtOnce);
                if (economy.Checkpointing) new LayerwiseBackward(decoder, economy.FrozenLayers).Run([pass], perturbation, losses);
                else pass.Backward(perturbation, losses, cancellation);
            }
            if (own is not null) OwnPass(own, losses);
            return new OuterStep(losses.Read(optimizer.StepCount + 1), optimizer.Step(learningRate));
        }
        finally
        {
            decoder.Weights.ClearGradients();
            decoder.Weights.RequireGradients(false);
        }
    }

    /// <summary>All passes of a step go back together, and each layer is updated when they have left it.</summary>
    /// <returns>The gradient's global norm.</returns>
    private double UpdateInBackward(List<TermBatch> batches, Perturbation? perturbation, TermLosses losses, double learningRate)
    {
        var groups = trained.ToLookup(parameter => parameter.Slot.Layer);
        var passes = Passes(batches).Select(parts => new OuterPass(decoder, parts, economy.ScoresAtOnce)).ToList();
        double squaredNorm = 0;
        try
        {
            if (own is not null) OwnPass(own, losses);                   // before any layer's gradients are final
            new LayerwiseBackward(decoder, economy.FrozenLayers).Run(passes, perturbation, losses,
                layer => squaredNorm += optimizer.StepPart([.. groups[layer]], learningRate));
        }
        finally
        {
            passes.ForEach(pass => pass.Dispose());
        }
        optimizer.EndStep();
        return Math.Sqrt(squaredNorm);
    }

    /// <summary>
    /// Terms share passes, those under δ first, as long as their real tokens are within the budget: fewer and larger matrix products. Where
    /// rotary frequencies depend on the longest sequence of a pass, each term has one of its own.
    /// </summary>
    private IEnumerable<List<TermBatch>> Passes(IEnumerable<TermBatch> batches)
    {
        var pass = new List<TermBatch>();
        bool dependsOnLength = decoder.Config.RotaryDependsOnLength;
        foreach (var batch in batches.OrderByDescending(batch => batch.IsPerturbed)
            .SelectMany(batch => batch.Split(dependsOnLength ? 0 : economy.SplitTokens)))
        {
            bool fits = !dependsOnLength && pass.Sum(other => other.Tokens) + batch.Tokens <= passTokens;
            if (pass.Count > 0 && !fits)
            {
                yield return pass;
                pass = [];
            }
            pass.Add(batch);
        }
        if (pass.Count > 0) yield return pass;
    }

    private static void OwnPass(OwnPassTerm own, TermLosses losses)
    {
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var loss = own.Loss();
        losses.Add(own.Name, loss);
        loss.backward();
    }

    /// <summary>Steps taken.</summary>
    public int StepCount => optimizer.StepCount;

    /// <summary>
    /// The optimiser's moments, and the weights of the last step where a mean is in their place, by name, for checkpoints.
    /// </summary>
    internal IReadOnlyList<(string Name, Tensor Value)> State() => [.. optimizer.State(), .. IsMean ? mean!.State() : []];

    /// <summary>Continues after the given number of steps: the same moments, and the batches that come next.</summary>
    /// <param name="read">Gives a tensor of the <see cref="State"/> by its name.</param>
    /// <param name="steps">Steps that had been taken.</param>
    /// <param name="isMean">Whether a mean stood in the weights' place.</param>
    internal void Continue(Func<string, Tensor> read, int steps, bool isMean)
    {
        optimizer.Restore(read, steps);
        if (isMean) mean!.Restore(read);
        IsMean = isMean;
        foreach (var term in terms) term.Skip(steps);
        own?.Skip(steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        mean?.Dispose();
        own?.Dispose();
    }
}
