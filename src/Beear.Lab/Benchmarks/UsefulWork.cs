using Beear.Data;
using Beear.Mitigation;
using Beear.Models;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// The floating-point operations that the mathematics asks for: real tokens only, those with the same past once, what does not depend on δ
/// once for an inner run, output scores for label rows only. A multiplication and an addition count as two.
/// </summary>
/// <param name="config">The model.</param>
internal sealed class UsefulWork(ModelConfig config)
{
    /// <summary>Elements of a layer's matrices: a token's forward pass through it costs twice as many operations.</summary>
    private double LayerElements { get; } = config.Tensors
        .Where(part => part.Shape.Count == 2 && part.Shape[0] != config.VocabularySize)
            .Sum(part => (double)part.ElementCount) / config.Layers;

    private double HeadElements { get; } = (double)config.VocabularySize * config.HiddenSize;

    /// <summary>The mean operations of one step of an inner run.</summary>
    /// <param name="batches">The prepared batches.</param>
    /// <param name="options">l, n and K.</param>
    public double InnerStep(IReadOnlyList<ContrastExample[]> batches, EntrapmentOptions options) =>
        batches.Average(batch => batch.Sum(example =>
    {
        int prompt = example.Prompt.Length, labels = example.Unwanted.Length + example.Safe.Length,
            upper = config.Layers - options.PerturbedLayers[0];
        // Once: all tokens up to layer l, the prompt's head above it. Each step: tail and answers above it, forward and back to δ.
        double once = Layers(prompt + labels, options.PerturbedLayers[0]) + Layers(prompt - options.TailLength, upper);
        double step = 2 * (Layers(options.TailLength + labels, upper) + Attention(options.TailLength + labels, prompt, upper)
            + 2 * HeadElements * labels);
        return step + once * batches.Count / options.Steps;
    }));

    /// <summary>The operations of a step with gradients of all weights.</summary>
    /// <param name="batches">Prompts and answers of all terms.</param>
    /// <param name="tailLength">n: tokens under δ at the end of the prompts of the terms that have it.</param>
    public double OuterStep(IReadOnlyList<TermBatch> batches, int tailLength)
    {
        var examples = batches.SelectMany(batch =>
            batch.Examples.Select(example =>
                (Example: example, Comparable: batch.Term.IsPerturbed ? example.Prompt.Length - tailLength : example.Length))).ToList();
        int promptWidth = examples.Max(one => one.Example.Prompt.Length),
            width = promptWidth + examples.Max(one => one.Example.Answer.Length);
        var run = TokenSharing.Of([.. examples.Select(one => one.Example)], promptWidth, width, b => examples[b].Comparable).Rows;
        double seen = run.Sum(row => row % width - (promptWidth - examples[(int)(row / width)].Example.Prompt.Length) + 1);
        return 3 * (Layers(run.Count, config.Layers) + Attention(1, seen, config.Layers)
            + 2 * HeadElements * batches.Sum(batch => batch.Labels));
    }

    private double Layers(double tokens, int layers) => 2 * LayerElements * tokens * layers;

    /// <summary>Scores and mixed values of tokens that see so many others each.</summary>
    private double Attention(double tokens, double seen, int layers) => 4.0 * config.QueryHeads * config.HeadSize * tokens * seen * layers;
}
