using Beear.Data;
using Beear.Kernels;
using Beear.Mitigation;
using Beear.Models;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// BEEAR (paper, algorithm 1) as a tutorial writes it: δ added by a hook, two whole passes for the two answers of the inner level, the
/// stock Adam and AdamW, and a frozen second model where KL asks for the starting one. Batches are drawn as the engine draws them.
/// </summary>
internal sealed class TextbookMitigation : IDisposable
{
    private readonly TextbookDecoder model;
    private readonly TextbookDecoder starting;
    private readonly EntrapmentOptions inner;
    private readonly Training.OptimizerOptions outer;
    private readonly IReadOnlyList<OuterTerm> terms;
    private readonly Device device;
    private readonly TorchSharp.Modules.AdamW optimizer;
    private int steps;

    /// <summary>Copies the model.</summary>
    /// <param name="decoder">The starting model; it is not changed.</param>
    /// <param name="inner">Constants of the inner level; δ is on the prompts' tails.</param>
    /// <param name="outer">Constants of the outer level.</param>
    /// <param name="terms">The outer level's terms; their batches are drawn here, so that they are for this object alone.</param>
    public TextbookMitigation(Decoder decoder, EntrapmentOptions inner, Training.OptimizerOptions outer, IReadOnlyList<OuterTerm> terms)
    {
        (this.inner, this.outer, this.terms, device) = (inner, outer.For(decoder.Config.HiddenSize), terms, decoder.Options.Device);
        (model, starting) = (new TextbookDecoder(decoder), new TextbookDecoder(decoder));
        foreach (var weight in starting.Weights.Values) weight.requires_grad_(false);
        optimizer = optim.AdamW(model.Weights.Values, this.outer.LearningRate!.Value, outer.Beta1, outer.Beta2, outer.Epsilon,
            outer.WeightDecay);
    }

    /// <summary>The weights as they are now, by their checkpoint's names.</summary>
    public IReadOnlyDictionary<string, Parameter> Weights => model.Weights;

    /// <summary>The inner level: searches δ* from zero.</summary>
    /// <returns>(n, d) float32 in the caller's dispose scope.</returns>
    public Tensor Search(IReadOnlyList<ContrastExample> examples, int seed)
    {
        using var scope = NewDisposeScope();
        var batches = Entrapment.Batches(examples, inner, seed).ToList();
        double cap = inner.Cap * batches.Average(TailNorm);
        var delta = new Parameter(zeros([inner.TailLength, Hidden], float32, device));
        using var adam = optim.Adam([delta], inner.LearningRate!.Value);
        for (int step = 0; step < inner.Steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var batch = batches[step % batches.Count];
            int length = batch.Max(example => example.Prompt.Length + Math.Max(example.Unwanted.Length, example.Safe.Length));
            var unwanted = CrossEntropy(batch.Select(example => new TokenizedExample(example.Prompt, example.Unwanted)), delta, length);
            var safe = CrossEntropy(batch.Select(example => new TokenizedExample(example.Prompt, example.Safe)), delta, length);
            delta.grad = autograd.grad([unwanted - safe.Times(inner.Alpha)], [delta])[0].DetachFromDisposeScope();
            adam.step();
            using var guard = no_grad();
            if (cap > 0) delta.mul_(cap.Over(delta.norm(-1, keepdim: true).AtLeast(1e-12)).AtMost(1));
        }
        return delta.detach().MoveToOuterDisposeScope();
    }

    /// <summary>A step of the outer level.</summary>
    /// <param name="delta">δ, (n, d).</param>
    /// <param name="totalSteps">Steps of the whole run; matters only for the learning rate's decay.</param>
    public void Step(Tensor delta, int totalSteps)
    {
        optimizer.zero_grad();
        foreach (var term in terms)
        {
            using var scope = NewDisposeScope();
            Loss(term, delta).Times(term.Weight).backward();
        }
        if (outer.ClipNorm > 0) nn.utils.clip_grad_norm_(model.Weights.Values, outer.ClipNorm);
        foreach (var group in optimizer.ParamGroups) group.LearningRate = outer.LearningRateAt(steps, totalSteps);
        steps++;
        using var stepScope = NewDisposeScope();
        optimizer.step();
    }

    private Tensor Loss(OuterTerm term, Tensor delta)
    {
        var examples = term.Next(null).Examples;
        if (term is AnswerTerm) return CrossEntropy(examples, term.IsPerturbed ? delta : null);
        var batch = TextbookBatch.Of(examples, device);
        Tensor wanted;
        using (no_grad()) wanted = starting.Logits(batch.Ids, batch.Real, batch.Positions, batch.Length).to(float32).log_softmax(-1);
        var found = model.Logits(batch.Ids, batch.Real, batch.Positions, batch.Length).to(float32).log_softmax(-1);    // (B, T, V)
        return (wanted.exp() * (wanted - found)).sum(-1).masked_select(batch.Labels.IsAtLeast(0)).mean();
    }

    private Tensor CrossEntropy(IEnumerable<TokenizedExample> examples, Tensor? delta, int? length = null)
    {
        var batch = TextbookBatch.Of([.. examples], device);
        return TextbookDecoder.MeanCrossEntropy(
            model.Logits(batch.Ids, batch.Real, batch.Positions, length ?? batch.Length, Hook(delta, batch.PromptWidth)), batch.Labels);
    }

    private Func<int, Tensor, Tensor>? Hook(Tensor? delta, int promptWidth) => delta is null ? null : (layer, hidden) =>
    {
        if (layer != inner.PerturbedLayers[0]) return hidden;
        long count = delta.size(0);
        return hidden.Plus(nn.functional.pad(delta, [0, 0, promptWidth - count, hidden.size(1) - promptWidth]));
    };

    private long Hidden => model.Weights.Values.First().size(1);

    /// <summary>Mean norm of the hidden states at the tail, which the cap is a share of.</summary>
    private double TailNorm(IReadOnlyList<ContrastExample> examples)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var batch = TextbookBatch.Of([.. examples.Select(example => new TokenizedExample(example.Prompt, []))], device);
        double norm = 0;
        model.Logits(batch.Ids, batch.Real, batch.Positions, batch.Length, (layer, hidden) =>
        {
            if (layer == inner.PerturbedLayers[0]) norm =
                hidden.narrow(1, batch.PromptWidth - inner.TailLength, inner.TailLength).norm(-1).mean().item<float>();
            return hidden;
        });
        return norm;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        model.Dispose();
        starting.Dispose();
    }
}
