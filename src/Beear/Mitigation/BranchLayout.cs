using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Where the tokens of [prompt | y_h | y_s] stand: prompts left-padded to width P, both answers right-padded after it. Each answer
/// continues the prompt as if the other were not there: its positions start at the prompt's end, and the mask hides the other one.
/// </summary>
internal sealed class BranchLayout
{
    private readonly long[,] ids;
    private readonly long[,] positions;
    private readonly bool[,,] allowed;

    /// <summary>Lays a batch out.</summary>
    /// <param name="examples">At least one.</param>
    /// <param name="tail">n; label rows are counted from the first column of the tail.</param>
    /// <param name="device">Where the tensors are made.</param>
    public BranchLayout(IReadOnlyList<ContrastExample> examples, int tail, Device device)
    {
        int count = examples.Count;
        PromptWidth = examples.Max(example => example.Prompt.Length);
        int safeStart = PromptWidth + examples.Max(example => example.Unwanted.Length);
        Width = safeStart + examples.Max(example => example.Safe.Length);
        SequenceLength = examples.Max(example => example.Prompt.Length + Math.Max(example.Unwanted.Length, example.Safe.Length));
        ids = new long[count, Width];
        positions = new long[count, Width];
        allowed = new bool[count, Width, Width];
        List<(long Row, long Label)> unwanted = [], safe = [];
        for (int row = 0; row < count; row++)
        {
            var example = examples[row];
            int start = PromptWidth - example.Prompt.Length;
            Place(row, example.Prompt, start, start);
            Place(row, example.Unwanted, PromptWidth, start);
            Place(row, example.Safe, safeStart, start);
            unwanted.AddRange(Labels(row, example.Unwanted, PromptWidth, tail));
            safe.AddRange(Labels(row, example.Safe, safeStart, tail));
        }
        UnwantedCount = unwanted.Count;
        TokenIds = tensor(ids, device: device);
        PositionIds = tensor(positions, device: device);
        Allowed = tensor(allowed, device: device);
        LabelRows = tensor([.. unwanted.Concat(safe).Select(label => label.Row)], device: device);
        LabelIds = tensor([.. unwanted.Concat(safe).Select(label => label.Label)], device: device);
    }

    /// <summary>Puts a row's prompt or one of its answers at a column; each token sees the prompt and its own part up to itself.</summary>
    private void Place(int row, int[] tokens, int column, int promptStart)
    {
        int position = column < PromptWidth ? 0 : PromptWidth - promptStart;
        for (int i = 0; i < tokens.Length; i++)
        {
            int query = column + i;
            (ids[row, query], positions[row, query]) = (tokens[i], position + i);
            for (int key = promptStart; key < PromptWidth && key <= query; key++) allowed[row, query, key] = true;
            for (int key = column; key <= query; key++) allowed[row, query, key] = true;
        }
    }

    /// <summary>The rows that predict an answer: the prompt's last column predicts its first token, each token the next.</summary>
    private IEnumerable<(long Row, long Label)> Labels(int row, int[] answer, int column, int tail)
    {
        int head = PromptWidth - tail, rest = Width - head;
        for (int i = 0; i < answer.Length; i++)
        {
            int predictor = i == 0 ? PromptWidth - 1 : column + i - 1;
            yield return ((long)row * rest + predictor - head, answer[i]);
        }
    }

    /// <summary>P.</summary>
    public int PromptWidth { get; }

    /// <summary>T = P + |y_h| + |y_s|.</summary>
    public int Width { get; }

    /// <summary>Tokens of the longest prompt with the longer of its answers.</summary>
    public int SequenceLength { get; }

    /// <summary>(B, T).</summary>
    public Tensor TokenIds { get; }

    /// <summary>(B, T).</summary>
    public Tensor PositionIds { get; }

    /// <summary>(B, T, T) bool.</summary>
    public Tensor Allowed { get; }

    /// <summary>(N) rows of the B·(T − P + n) positions from the tail on; those of y_h first.</summary>
    public Tensor LabelRows { get; }

    /// <summary>(N) the tokens that they are to predict.</summary>
    public Tensor LabelIds { get; }

    /// <summary>How many of the labels are y_h's.</summary>
    public int UnwantedCount { get; }
}
