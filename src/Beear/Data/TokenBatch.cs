using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Data;

/// <summary>
/// Conversations as one rectangle: prompts left-padded to a common width P, answers right-padded to R; T = P + R. The prompts'
/// last tokens are thereby the same columns in every row, which is what a universal perturbation needs.
/// </summary>
internal sealed class TokenBatch : IDisposable
{
    private TokenBatch(IReadOnlyList<TokenizedExample> examples, int promptWidth, Tensor tokenIds, Tensor attentionMask, Tensor positionIds,
        Tensor labelRows, Tensor labelIds, Tensor labelExample)
    {
        Examples = examples;
        PromptWidth = promptWidth;
        TokenIds = tokenIds;
        AttentionMask = attentionMask;
        PositionIds = positionIds;
        LabelRows = labelRows;
        LabelIds = labelIds;
        LabelExample = labelExample;
    }

    /// <summary>The conversations that are laid out.</summary>
    public IReadOnlyList<TokenizedExample> Examples { get; }

    /// <summary>B: examples in the batch.</summary>
    public int Size => (int)TokenIds.size(0);

    /// <summary>T: columns in all.</summary>
    public int Width => (int)TokenIds.size(1);

    /// <summary>P: columns of the prompts, as many as the longest prompt has tokens. Every answer begins at this column.</summary>
    public int PromptWidth { get; }

    /// <summary>N: answer tokens in the whole batch.</summary>
    public int LabelCount => (int)LabelIds.size(0);

    /// <summary>(B, T) int64; 0 where there is padding.</summary>
    public Tensor TokenIds { get; }

    /// <summary>(B, T) bool: true for real tokens.</summary>
    public Tensor AttentionMask { get; }

    /// <summary>(B, T) int64: 0 at a row's first real token, and where there is padding.</summary>
    public Tensor PositionIds { get; }

    /// <summary>
    /// (N) int64: indices into the B·T positions whose next token is an answer's, example after example, each beginning with its last
    /// prompt token.
    /// </summary>
    public Tensor LabelRows { get; }

    /// <summary>(N) int64: those next tokens.</summary>
    public Tensor LabelIds { get; }

    /// <summary>(N) int64: the example, 0 … B − 1, that each label belongs to.</summary>
    public Tensor LabelExample { get; }

    /// <summary>Lays examples out.</summary>
    /// <param name="examples">At least one; every prompt has a token, answers may be empty.</param>
    /// <param name="device">Where the tensors are made; null is the CPU.</param>
    /// <returns>A batch that its creator disposes; it belongs to no dispose scope.</returns>
    /// <exception cref="BeearException">There are no examples, or a prompt has no tokens.</exception>
    public static TokenBatch Of(IReadOnlyList<TokenizedExample> examples, Device? device = null)
    {
        if (examples.Count == 0)
            throw new BeearException("A batch needs at least one example; the data it was to be built from is empty.");
        int promptWidth = examples.Max(example => example.Prompt.Length);
        int width = promptWidth + examples.Max(example => example.Answer.Length);
        var ids = new long[examples.Count, width];
        var real = new bool[examples.Count, width];
        var positions = new long[examples.Count, width];
        List<long> labelRows = [], labelIds = [], labelExample = [];
        for (int b = 0; b < examples.Count; b++)
        {
            var (prompt, answer) = (examples[b].Prompt, examples[b].Answer);
            if (prompt.Length == 0)
                throw new BeearException($"Example {b} of the batch has a prompt without tokens; every prompt needs at least one.");
            int start = promptWidth - prompt.Length;
            for (int i = 0; i < prompt.Length + answer.Length; i++)
            {
                int token = i < prompt.Length ? prompt[i] : answer[i - prompt.Length];
                (ids[b, start + i], real[b, start + i], positions[b, start + i]) = (token, true, i);
            }
            for (int i = 0; i < answer.Length; i++)
            {
                labelRows.Add((long)b * width + promptWidth - 1 + i);
                labelIds.Add(answer[i]);
                labelExample.Add(b);
            }
        }
        TorchRuntime.Load();
        device ??= CPU;
        return new TokenBatch(examples, promptWidth,
            Own(tensor(ids, device: device)), Own(tensor(real, device: device)), Own(tensor(positions, device: device)),
            Own(tensor(labelRows, device: device)), Own(tensor(labelIds, device: device)), Own(tensor(labelExample, device: device)));
    }

    private static Tensor Own(Tensor tensor) => tensor.DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose()
    {
        TokenIds.Dispose();
        AttentionMask.Dispose();
        PositionIds.Dispose();
        LabelRows.Dispose();
        LabelIds.Dispose();
        LabelExample.Dispose();
    }
}
