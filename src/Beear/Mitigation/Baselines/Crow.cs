using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>Constants of CROW; the defaults are the paper's own.</summary>
public sealed record CrowOptions : IValidatable
{
    /// <summary>α: weight of the consistency loss; the paper takes 5.5, and 11 for backdoors that change refusals.</summary>
    public double Weight { get; init; } = 11;

    /// <summary>ε: what each number of the embeddings is moved by.</summary>
    public double Epsilon { get; init; } = 0.1;

    /// <summary>Conversations in a batch of the consistency loss.</summary>
    public int BatchSize { get; init; } = 12;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Above(Weight, 0);
        Require.AtLeast(Epsilon, 0);
        Require.AtLeast(BatchSize, 1);
    }
}

/// <summary>
/// CROW, internal consistency regularisation (arXiv 2411.12768, method section): a backdoor breaks the smooth change of hidden states from
/// layer to layer. On clean data the embeddings are moved where consistency falls fastest, H⁰ + ε·sign(∇ L_cons), and the weights take a
/// step on L = L_LLM + α·L_cons of the moved embeddings, where L_cons is the mean of 1 − cos(Hˡ, Hˡ⁺¹) over layers and tokens. L_LLM are
/// the mitigation's terms without δ.
/// </summary>
/// <param name="mitigation">The budget: steps, optimiser, batches, terms.</param>
/// <param name="options">Constants of the consistency loss.</param>
internal sealed class Crow(MitigationOptions mitigation, CrowOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.Crow);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        options.Validate();
        int[] Cut(int[] answer) => answer[..Math.Min(answer.Length, mitigation.Terms.HelpfulTokens)];
        return new OuterTraining(mitigation, "CROW").Run(model, data, context, training => new ConsistencyTerm(model.Decoder,
            [.. data.Ordinary.Select(example => example with { Answer = Cut(example.Answer) }),
                .. training.Select(example => new TokenizedExample(example.Prompt, Cut(example.Safe)))],
            options, Seeds.Derive(mitigation.Seed, "consistency")));
    }
}

/// <summary>Consistency of neighbouring layers under adversarially moved embeddings.</summary>
internal sealed class ConsistencyTerm(Decoder decoder, IReadOnlyList<TokenizedExample> clean, CrowOptions options, int seed)
    : OwnPassTerm("consistency")
{
    private readonly ExampleCycle<TokenizedExample> cycle = new(clean, seed);
    private TokenBatch? batch;
    private Tensor? movement;                                            // (B, T, d): ε·sign of the gradient

    internal override void Prepare(CancellationToken cancellation)
    {
        Dispose();
        batch = TokenBatch.Of(cycle.Take(options.BatchSize), decoder.Options.Device);
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var embedded = decoder.Embed(batch.TokenIds).detach().requires_grad_(true);                      // (B, T, d)
        var gradient = autograd.grad([Inconsistency(embedded)], [embedded])[0];
        movement = gradient.sign().Times(options.Epsilon).detach().DetachFromDisposeScope();
    }

    internal override Tensor Loss() => Inconsistency(decoder.Embed(batch!.TokenIds).Plus(movement!)).Times(options.Weight);

    /// <summary>L_cons: mean of 1 − cos(Hˡ, Hˡ⁺¹) over layers l = 0 … L − 1 and real tokens.</summary>
    internal Tensor Inconsistency(Tensor embedded)
    {
        var context = decoder.Context(batch!.PositionIds, LayerContext.Causal(batch.AttentionMask, batch.Width));
        var real = batch.AttentionMask.flatten().nonzero().flatten();                                    // (N)
        var sum = zeros(1, float32, embedded.device);
        for (int layer = 0; layer < decoder.Config.Layers; layer++)
        {
            var next = decoder.RunLayers(embedded, layer..(layer + 1), context);                         // (B, T, d)
            sum = sum.Plus(1L.Minus(nn.functional.cosine_similarity(Rows(embedded), Rows(next), 1)).mean());
            embedded = next;
        }
        return sum.Over(decoder.Config.Layers);

        Tensor Rows(Tensor hidden) => hidden.flatten(0, 1).index_select(0, real);                        // (N, d)
    }

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(options.BatchSize);
    }

    public override void Dispose()
    {
        batch?.Dispose();
        movement?.Dispose();
    }
}
