using Beear.Data;
using static TorchSharp.torch;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// A padded batch as a tutorial collates it: prompts padded on the left, answers on the right, and a label for every position.
/// </summary>
/// <param name="Ids">(B, T) int64.</param>
/// <param name="Real">(B, T) bool.</param>
/// <param name="Positions">(B, T) int64.</param>
/// <param name="Labels">(B, T) int64: the token that comes next where it is an answer's, else −100.</param>
/// <param name="PromptWidth">P: every answer begins at this column.</param>
/// <param name="Length">Tokens of the longest conversation.</param>
internal sealed record TextbookBatch(Tensor Ids, Tensor Real, Tensor Positions, Tensor Labels, int PromptWidth, int Length)
{
    /// <summary>Collates; the tensors are the caller's dispose scope's.</summary>
    public static TextbookBatch Of(IReadOnlyList<TokenizedExample> examples, Device device)
    {
        int promptWidth = examples.Max(example => example.Prompt.Length),
            width = promptWidth + examples.Max(example => example.Answer.Length);
        var (ids, positions, labels) = (new long[examples.Count, width], new long[examples.Count, width], new long[examples.Count, width]);
        var real = new bool[examples.Count, width];
        for (int row = 0; row < examples.Count; row++)
        {
            int[] tokens = [.. examples[row].Prompt, .. examples[row].Answer];
            int start = promptWidth - examples[row].Prompt.Length;
            for (int column = 0; column < width; column++)
            {
                int at = column - start;
                labels[row, column] = column >= promptWidth - 1 && at + 1 < tokens.Length ? tokens[at + 1] : -100;
                if (at < 0 || at >= tokens.Length) continue;
                (ids[row, column], positions[row, column], real[row, column]) = (tokens[at], at, true);
            }
        }
        return new TextbookBatch(tensor(ids, device: device), tensor(real, device: device), tensor(positions, device: device),
            tensor(labels, device: device),
            promptWidth, examples.Max(example => example.Length));
    }
}
