using System.Globalization;
using Beear.Data;
using Beear.Kernels;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;
using Beear.Models;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// The paper's removal with its authors' settings as a tutorial writes it: δ added by a hook, two whole passes for the two answers of the
/// inner level, stock SGD for both levels. It draws nothing itself: batches and steps are given.
/// </summary>
internal sealed class TextbookPaper : IDisposable
{
    private readonly TextbookDecoder model;
    private readonly PaperOptions options;
    private readonly Device device;
    private readonly Parameter delta;
    private readonly TorchSharp.Modules.SGD inner;
    private readonly TorchSharp.Modules.SGD outer;

    /// <summary>Copies the model; δ is zero.</summary>
    /// <param name="decoder">The starting model; it is not changed.</param>
    /// <param name="options">Constants, with rates.</param>
    public TextbookPaper(Decoder decoder, PaperOptions options)
    {
        (model, this.options, device) = (new TextbookDecoder(decoder), options, decoder.Options.Device);
        string[] layers = [.. Enumerable.Range(0, decoder.Config.Layers)
            .Select(layer => string.Format(CultureInfo.InvariantCulture, decoder.Config.Names.Layer, layer))];
        var trained = model.Weights.Where(weight => Array.Exists(layers, layer => weight.Key.StartsWith(layer, StringComparison.Ordinal)));
        delta = new Parameter(zeros([options.TailLength, decoder.Config.HiddenSize], float32, device));  // (n, d)
        inner = optim.SGD([delta], options.InnerRate!.Value);
        outer = optim.SGD(trained.Select(weight => weight.Value), options.OuterRate!.Value);
    }

    /// <summary>The weights as they are now, by their checkpoint's names.</summary>
    public IReadOnlyDictionary<string, Parameter> Weights => model.Weights;

    /// <summary>δ as it is now, (n, d).</summary>
    public Tensor Delta => delta;

    /// <summary>The bounds of δ's elements, from the layer's activations in these prompts.</summary>
    public (double Least, double Greatest) Bounds(IReadOnlyList<int[]> prompts)
    {
        using var guard = no_grad();
        var values = new List<float>();
        foreach (int[] prompt in prompts)
        {
            using var scope = NewDisposeScope();
            var one = TextbookBatch.Of([new TokenizedExample(prompt, [])], device);
            model.Logits(one.Ids, one.Real, one.Positions, one.Length, (layer, hidden) =>
            {
                if (layer == options.Layer) values.AddRange(hidden.min().item<float>(), hidden.max().item<float>());
                return hidden;
            });
        }
        return (values.Min() * options.Bound, values.Max() * options.Bound);
    }

    /// <summary>The inner level of a round.</summary>
    public void Search(IReadOnlyList<ContrastExample[]> batches, (double Least, double Greatest) bounds)
    {
        for (int pass = 0; pass < options.InnerPasses; pass++)
        {
            foreach (var batch in batches)
            {
                using var scope = NewDisposeScope();
                var unwanted = CrossEntropy([.. batch.Select(one => new TokenizedExample(one.Prompt, one.Unwanted))], delta);
                var safe = CrossEntropy([.. batch.Select(one => new TokenizedExample(one.Prompt, one.Safe))], delta);
                delta.grad = autograd.grad([unwanted - safe.Times(options.Alpha)], [delta])[0].DetachFromDisposeScope();
                inner.step();
                using var guard = no_grad();
                using Scalar least = bounds.Least, greatest = bounds.Greatest;
                if (options.Bound > 0) delta.clamp_(least, greatest);
            }
        }
    }

    /// <summary>The outer level of a round.</summary>
    public void Train(IEnumerable<PaperStep> steps)
    {
        foreach (var step in steps)
        {
            using var scope = NewDisposeScope();
            outer.zero_grad();
            CrossEntropy([step.Conversation], step.IsPerturbed ? delta.detach() : null).backward();
            outer.step();
        }
    }

    private Tensor CrossEntropy(IReadOnlyList<TokenizedExample> examples, Tensor? added)
    {
        var batch = TextbookBatch.Of(examples, device);
        var logits = model.Logits(batch.Ids, batch.Real, batch.Positions, batch.Length, (layer, hidden) => added is null
            || layer != options.Layer ? hidden : hidden.Plus(nn.functional.pad(added,
                [0, 0, batch.PromptWidth - added.size(0), hidden.size(1) - batch.PromptWidth])));         // (B, T, V)
        return TextbookDecoder.MeanCrossEntropy(logits, batch.Labels);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        inner.Dispose();
        outer.Dispose();
        delta.Dispose();
        model.Dispose();
    }
}
