namespace Beear.Text.Tokenization.Normalizers;

/// <summary>Rewrites text before it is split; implementations are thread-safe.</summary>
internal interface INormalizer
{
    /// <summary>The text as the rest of the tokenizer shall see it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="budget">What its encoding may use up.</param>
    /// <exception cref="BeearException">The budget is used up.</exception>
    string Normalize(string text, EncodingBudget budget);
}

/// <summary>One after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> parts) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget) => parts.Aggregate(text, (current, part) =>
    {
        budget.Charge(current.Length + 1);
        return part.Normalize(current, budget);
    });
}
