using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One step of the outer level.</summary>
/// <param name="Losses">Each term's unweighted mean loss, by its name.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
public sealed record OuterStep(IReadOnlyDictionary<string, double> Losses, double GradientNorm);

/// <summary>
/// The outer level: fine-tunes all weights so that the model answers safely in spite of δ* while the other terms keep it helpful
/// (paper, equation 4). Without δ the same steps are plain safety fine-tuning.
/// </summary>
public sealed class Removal : IDisposable
{
    private readonly Decoder decoder;
    private readonly IReadOnlyList<OuterTerm> terms;
    private readonly OptimizerOptions options;
    private readonly AdamW optimizer;
    private readonly int passTokens;
    private readonly OwnPassTerm? own;

    /// <summary>Prepares the optimiser.</summary>
    /// <param name="decoder">The model; its weights are thawed for each step only.</param>
    /// <param name="terms">At least one, unless there is a term with its own pass.</param>
    /// <param name="options">Constants of AdamW.</param>
    /// <param name="passTokens">Terms share a pass as long as it has no more real tokens than this.</param>
    /// <param name="own">A term with a pass of its own, which is disposed with this; null for none.</param>
    public Removal(Decoder decoder, IReadOnlyList<OuterTerm> terms, OptimizerOptions options, int passTokens = OuterTermOptions.DefaultPassTokens, OwnPassTerm? own = null)
    {
        if (terms.Count == 0 && own is null) throw new BeearException("The outer level has no terms; give at least one term a weight above 0.");
        this.decoder = decoder;
        this.terms = terms;
        this.options = options;
        this.passTokens = passTokens;
        this.own = own;
        optimizer = new AdamW(decoder.Weights.Parameters, options);
    }

    /// <summary>Takes steps.</summary>
    /// <param name="perturbations">δ of each step; null elements for none.</param>
    /// <param name="totalSteps">Steps of the whole run; matters only for the learning rate's decay.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public IReadOnlyList<OuterStep> Run(IReadOnlyList<Perturbation?> perturbations, int totalSteps, IProgress<RunProgress>? progress = null,
        string stage = "outer level", CancellationToken cancellation = default)
    {
        var steps = new List<OuterStep>(perturbations.Count);
        foreach (var perturbation in perturbations)
        {
            cancellation.ThrowIfCancellationRequested();
            steps.Add(Step(perturbation, totalSteps, cancellation));
            progress?.Report(new RunProgress(stage, steps.Count, perturbations.Count,
                string.Join(", ", steps[^1].Losses.Select(loss => $"{loss.Key} {loss.Value:F2}"))));
        }
        return steps;
    }

    private OuterStep Step(Perturbation? perturbation, int totalSteps, CancellationToken cancellation)
    {
        own?.Prepare(cancellation);
        var batches = terms.Select(term => term.Next(perturbation)).ToList();
        var losses = terms.ToDictionary(term => term.Name, _ => 0.0);
        decoder.Weights.RequireGradients(true);
        try
        {
            foreach (var pass in Passes(batches))
            {
                // One pass at a time: its graph is freed before the next one's is built.
                using var scope = NewDisposeScope();
                using var enabled = enable_grad();
                Pass(pass, perturbation, losses).backward();
            }
            if (own is not null) OwnPass(own, losses);
            double norm = optimizer.Step(options.LearningRateAt(optimizer.StepCount, totalSteps));
            return new OuterStep(losses, norm);
        }
        finally
        {
            decoder.Weights.ClearGradients();
            decoder.Weights.RequireGradients(false);
        }
    }

    /// <summary>
    /// Terms share passes, those under δ first, as long as their real tokens are within the budget: fewer and larger matrix products. Where rotary
    /// frequencies depend on the longest sequence of a pass, each term has one of its own.
    /// </summary>
    private IEnumerable<List<TermBatch>> Passes(IEnumerable<TermBatch> batches)
    {
        var pass = new List<TermBatch>();
        foreach (var batch in batches.OrderByDescending(batch => batch.IsPerturbed))
        {
            bool fits = !decoder.Config.RotaryDependsOnLength && pass.Sum(other => other.Tokens) + batch.Tokens <= passTokens;
            if (pass.Count > 0 && !fits)
            {
                yield return pass;
                pass = [];
            }
            pass.Add(batch);
        }
        if (pass.Count > 0) yield return pass;
    }

    private static void OwnPass(OwnPassTerm own, Dictionary<string, double> losses)
    {
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var loss = own.Loss();
        losses[own.Name] = loss.item<float>();
        loss.backward();
    }

    /// <summary>The weighted sum of some terms' losses, with its graph.</summary>
    private Tensor Pass(List<TermBatch> pass, Perturbation? perturbation, Dictionary<string, double> losses)
    {
        using var batch = TokenBatch.Of([.. pass.SelectMany(part => part.Examples)], decoder.Options.Device);
        int perturbed = pass.Where(part => part.IsPerturbed).Sum(part => part.Examples.Count);
        var rows = decoder.LabelHidden(batch, perturbation, perturbed);                                  // (N, d), term after term
        var sum = zeros(1, float32, decoder.Options.Device);
        int first = 0;
        foreach (var part in pass)
        {
            var logits = decoder.Logits(rows.narrow(0, first, part.Labels));                             // (N of the term, V)
            var loss = part.MeanLoss(logits, batch.LabelIds.narrow(0, first, part.Labels));
            losses[part.Term.Name] = loss.item<float>();
            sum = sum + loss * part.Term.Weight;
            first += part.Labels;
        }
        return sum;
    }

    /// <summary>Steps taken.</summary>
    public int StepCount => optimizer.StepCount;

    /// <summary>The optimiser's moments by name, for checkpoints.</summary>
    internal IReadOnlyList<(string Name, Tensor Value)> State() => optimizer.State();

    /// <summary>Continues after the given number of steps: the same moments, and the batches that come next.</summary>
    internal void Continue(Func<string, Tensor> read, int steps)
    {
        optimizer.Restore(read, steps);
        foreach (var term in terms) term.Skip(steps);
        own?.Skip(steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        own?.Dispose();
    }
}
