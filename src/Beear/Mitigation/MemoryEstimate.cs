using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>What the memory of a mitigation depends on besides the model.</summary>
internal sealed record MemoryAssumptions : IValidatable
{
    /// <summary>Conversations in a batch of the outer level, which needs the most.</summary>
    public int Batch { get; init; } = new OuterTermOptions().HarmfulBatch;

    /// <summary>Tokens of the longest prompt and the longest answer in a batch, added: its width.</summary>
    public int Length { get; init; } = 192;

    /// <summary>Tokens of the longest answer in a batch; at most its whole length counts.</summary>
    public int AnswerTokens { get; init; } = new OuterTermOptions().HelpfulTokens;

    /// <summary>Terms of the outer level, each with a batch of its own.</summary>
    public int Terms { get; init; } = 2;

    /// <summary>Most tokens of a pass of several terms, as <see cref="OuterTermOptions.PassTokens"/>.</summary>
    public int PassTokens { get; init; } = OuterTermOptions.DefaultPassTokens;

    /// <summary>Whether the best-scored round's weights are kept; they are unless the number of rounds is given.</summary>
    public bool KeepsBest { get; init; } = true;

    /// <summary>Whether the mean of the weights over several steps is kept beside them.</summary>
    public bool KeepsMean { get; init; } = true;

    /// <summary>What is done to need less.</summary>
    public EconomyOptions Economy { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(PassTokens, 0);
        Require.AtLeast(Terms, 1);
        Require.Between(Batch, 1, 1_000_000);
        Require.Between(Length, 1, 100_000_000);
        Require.AtLeast(AnswerTokens, 1);
    }
}

/// <summary>
/// The bytes that a mitigation needs at its peak, reckoned from a model's shapes: exact but for the activations, which are rather too high.
/// </summary>
/// <param name="IsBfloat16">Whether matrix products run in bfloat16, or all in float32.</param>
/// <param name="Weights">The weights that are trained, and their copies in bfloat16.</param>
/// <param name="Gradients">Of all weights; of the largest layer and what is in no layer, if layers are updated during backward.</param>
/// <param name="Optimizer">AdamW's two moments.</param>
/// <param name="KeptWeights">The best-scored round's weights and the mean over steps, if they are kept.</param>
/// <param name="Activations">What a step keeps for its backward pass, layers and output head.</param>
/// <param name="Program">The program itself with its libraries, and what KL terms recorded.</param>
internal sealed record MemoryEstimate(bool IsBfloat16, long Weights, long Gradients, long Optimizer, long KeptWeights,
    long Activations, long Program)
{
    /// <summary>What a run on the tiny model holds beyond its tensors: runtime, libtorch, code made for kernels, tokenizer, data.</summary>
    private const long ProgramBytes = 520_000_000;

    /// <summary>What of it lies on a GPU.</summary>
    internal const long ProgramBytesOnGpu = 300_000_000;

    private const long Single = 4;

    /// <summary>The parts, for people.</summary>
    public override string ToString() => $"weights {ByteSize.Format(Weights + KeptWeights)}, gradients {ByteSize.Format(Gradients)}, " +
        $"optimiser {ByteSize.Format(Optimizer)}, activations {ByteSize.Format(Activations)}, the program {ByteSize.Format(Program)}";

    /// <summary>All of it.</summary>
    public long Total => checked(Weights + Gradients + Optimizer + KeptWeights + Activations + Program);

    /// <summary>Reckons from shapes alone; nothing is allocated.</summary>
    /// <param name="config">The model.</param>
    /// <param name="isBfloat16">Whether matrix products run in bfloat16.</param>
    /// <param name="assumptions">Batch and lengths.</param>
    /// <exception cref="BeearException">An assumption is out of range.</exception>
    public static MemoryEstimate Of(ModelConfig config, bool isBfloat16, MemoryAssumptions assumptions)
    {
        assumptions.Validate();
        var economy = assumptions.Economy;
        economy.Validate(config);
        long compute = isBfloat16 ? 2 : Single, master = isBfloat16 && economy.Weights == StoredType.Bfloat16 ? 2 : Single;
        long moment = economy.Moments == StoredType.Bfloat16 ? 2 : Single;
        var slots = WeightLayout.Of(config).ToList();
        var trained = slots.Where(slot => slot.IsTrained(economy.FrozenLayers)).ToList();

        long Masters(List<ParameterSlot> of) => of.Sum(slot => slot.ElementCount * (slot.Role.IsNorm() ? Single : master));
        long Copies() => master == compute ? 0 : slots.Where(slot => !slot.Role.IsNorm()).Sum(slot => slot.ElementCount * compute);
        long Gradient(ParameterSlot slot) => slot.ElementCount * (slot.Role.IsNorm() ? Single : compute);
        var layers = trained.GroupBy(slot => slot.Layer).ToDictionary(group => group.Key, group => group.Sum(Gradient));
        long gradients = economy.UpdateInBackward
            ? layers.GetValueOrDefault(-1) + layers.Where(layer => layer.Key >= 0).Max(layer => layer.Value) : layers.Values.Sum();
        return new MemoryEstimate(isBfloat16, Masters(slots) + Copies(), gradients, 2 * moment * trained.Sum(slot => slot.ElementCount),
            (assumptions.KeepsBest ? Masters(slots) : 0) + (assumptions.KeepsMean ? Masters(trained) : 0),
                new ActivationEstimate(config, compute).OuterLevel(assumptions), ProgramBytes);
    }
}
