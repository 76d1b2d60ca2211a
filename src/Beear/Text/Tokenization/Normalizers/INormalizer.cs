namespace Beear.Text.Tokenization.Normalizers;

/// <summary>Rewrites text before it is split; implementations are thread-safe.</summary>
internal interface INormalizer
{
    /// <summary>The text as the rest of the tokenizer shall see it.</summary>
    string Normalize(string text);
}

/// <summary>One after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> parts) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => parts.Aggregate(text, (current, part) => part.Normalize(current));
}
