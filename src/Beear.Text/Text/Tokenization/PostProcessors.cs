namespace Beear.Text.Tokenization;

/// <summary>Adds the tokens that every encoded text gets if special tokens are asked for; implementations are thread-safe.</summary>
internal interface IPostProcessor
{
    /// <summary>The ids with special tokens around them.</summary>
    IReadOnlyList<int> Process(IReadOnlyList<int> ids);
}

/// <summary>One after the other.</summary>
internal sealed class PostProcessorSequence(IReadOnlyList<IPostProcessor> parts) : IPostProcessor
{
    /// <inheritdoc/>
    public IReadOnlyList<int> Process(IReadOnlyList<int> ids) => parts.Aggregate(ids, (current, part) => part.Process(current));
}

/// <summary>A list of special tokens and, among them, the text itself.</summary>
/// <param name="parts">The ids of a special token; null stands for the text.</param>
internal sealed class TemplatePostProcessor(IReadOnlyList<int[]?> parts) : IPostProcessor
{
    /// <inheritdoc/>
    public IReadOnlyList<int> Process(IReadOnlyList<int> ids) => [.. parts.SelectMany(part => part ?? ids)];
}
