namespace Beear.Data;

/// <summary>
/// Which tokens of a batch must be run. A hidden state depends on the token and its past alone, so tokens with the same past have the same
/// hidden states, and what flows back to them may be added up before it flows further: the head of a chat template, or a prompt that stands
/// in two conversations, is run once.
/// </summary>
/// <param name="Rows">(N) ascending: of the B·T positions those that are run, each the first of its like.</param>
/// <param name="Positions">(M) ascending: all that hold real tokens.</param>
/// <param name="Sources">(M): which of the N rows stands at each.</param>
internal sealed record TokenSharing(IReadOnlyList<long> Rows, IReadOnlyList<long> Positions, IReadOnlyList<long> Sources)
{
    private const long NoPast = -1;

    /// <summary>Compares every conversation with those before it.</summary>
    /// <param name="examples">The conversations of a batch.</param>
    /// <param name="promptWidth">P: every answer begins at this column.</param>
    /// <param name="width">T.</param>
    /// <param name="comparable">
    /// Of a conversation's number: how many of its first tokens have hidden states that depend on tokens alone, and on no δ.
    /// </param>
    public static TokenSharing Of(IReadOnlyList<TokenizedExample> examples, int promptWidth, int width, Func<int, int> comparable)
    {
        List<long> rows = [], positions = [], sources = [];
        var known = new Dictionary<(long Past, int Token), long>();
        for (int b = 0; b < examples.Count; b++)
        {
            var (prompt, answer) = (examples[b].Prompt, examples[b].Answer);
            long first = ((long)b * width) + promptWidth - prompt.Length, row = NoPast;
            int alike = comparable(b);
            for (int i = 0; i < prompt.Length + answer.Length; i++)
            {
                var key = (row, i < prompt.Length ? prompt[i] : answer[i - prompt.Length]);
                if (i >= alike || !known.TryGetValue(key, out row))
                {
                    row = rows.Count;
                    rows.Add(first + i);
                    if (i < alike) known.Add(key, row);
                }
                positions.Add(first + i);
                sources.Add(row);
            }
        }
        return new TokenSharing(rows, positions, sources);
    }
}
