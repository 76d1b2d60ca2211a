using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Where the tokens of [prompt | y_h | y_s] stand: prompts left-padded to width P, both answers right-padded after it. Each answer
/// continues the prompt as if the other were not there: its positions start at the prompt's end, and the mask hides the other one.
/// </summary>
internal sealed class BranchLayout
{
    public BranchLayout(IReadOnlyList<ContrastExample> examples, int tail, Device device)
    {
        int count = examples.Count;
        PromptWidth = examples.Max(example => example.Prompt.Length);
        int unwantedWidth = examples.Max(example => example.Unwanted.Length);
        int safeStart = PromptWidth + unwantedWidth;
        Width = safeStart + examples.Max(example => example.Safe.Length);
        int head = PromptWidth - tail, rest = Width - head;

        var ids = new long[count, Width];
        var positions = new long[count, Width];
        var allowed = new bool[count, Width, Width];
        List<long> unwantedRows = [], safeRows = [], unwantedLabels = [], safeLabels = [];
        for (int b = 0; b < count; b++)
        {
            var example = examples[b];
            int start = PromptWidth - example.Prompt.Length, promptLength = example.Prompt.Length;
            Place(example.Prompt, start, 0);
            Place(example.Unwanted, PromptWidth, promptLength);
            Place(example.Safe, safeStart, promptLength);
            Allow(start, PromptWidth, PromptWidth, PromptWidth);
            Allow(start, PromptWidth, PromptWidth, PromptWidth + example.Unwanted.Length);
            Allow(start, PromptWidth, safeStart, safeStart + example.Safe.Length);
            Label(example.Unwanted, PromptWidth, unwantedRows, unwantedLabels);
            Label(example.Safe, safeStart, safeRows, safeLabels);

            void Place(int[] tokens, int column, int position)
            {
                for (int i = 0; i < tokens.Length; i++) (ids[b, column + i], positions[b, column + i]) = (tokens[i], position + i);
            }

            // Queries [promptStart, promptEnd) and then [from, to) see the prompt and, of their own range, what is not later.
            void Allow(int promptStart, int promptEnd, int from, int to)
            {
                if (from == to)
                {
                    for (int t = promptStart; t < promptEnd; t++)
                        for (int s = promptStart; s <= t; s++) allowed[b, t, s] = true;
                    return;
                }
                for (int t = from; t < to; t++)
                {
                    for (int s = promptStart; s < promptEnd; s++) allowed[b, t, s] = true;
                    for (int s = from; s <= t; s++) allowed[b, t, s] = true;
                }
            }

            // The first token is predicted by the prompt's last column, the others by their predecessors. Rows are counted from the tail.
            void Label(int[] tokens, int column, List<long> rows, List<long> labels)
            {
                for (int i = 0; i < tokens.Length; i++)
                {
                    rows.Add((long)b * rest + (i == 0 ? PromptWidth - 1 : column + i - 1) - head);
                    labels.Add(tokens[i]);
                }
            }
        }
        UnwantedCount = unwantedRows.Count;
        TokenIds = tensor(ids, device: device);
        PositionIds = tensor(positions, device: device);
        Allowed = tensor(allowed, device: device);
        LabelRows = tensor([.. unwantedRows, .. safeRows], device: device);
        Labels = tensor([.. unwantedLabels, .. safeLabels], device: device);
    }

    /// <summary>P.</summary>
    public int PromptWidth { get; }

    /// <summary>T = P + |y_h| + |y_s|.</summary>
    public int Width { get; }

    /// <summary>(B, T).</summary>
    public Tensor TokenIds { get; }

    /// <summary>(B, T).</summary>
    public Tensor PositionIds { get; }

    /// <summary>(B, T, T) bool.</summary>
    public Tensor Allowed { get; }

    /// <summary>(N) rows of the B·(T − P + n) positions from the tail on; those of y_h first.</summary>
    public Tensor LabelRows { get; }

    /// <summary>(N) the tokens that they are to predict.</summary>
    public Tensor Labels { get; }

    /// <summary>How many of the labels are y_h's.</summary>
    public int UnwantedCount { get; }
}
