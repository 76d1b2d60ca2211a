namespace Beear.Generation;

/// <summary>How answers are decoded.</summary>
public sealed record GenerationOptions : IValidatable
{
    /// <summary>Longest answer, in tokens; at least 1.</summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>0 is greedy; larger flattens the distribution that is sampled from.</summary>
    public double Temperature { get; init; }

    /// <summary>Sample only from this many likeliest tokens; 0 for all.</summary>
    [Folded]
    public int TopK { get; init; }

    /// <summary>Sample only from the likeliest tokens whose shares first reach this sum; 1 for all.</summary>
    [Folded]
    public double TopP { get; init; } = 1;

    /// <summary>
    /// What the logit of a token that stands in prompt or answer already is divided by, or multiplied with where it is negative (Keskar et
    /// al., arXiv 1909.05858); above 0, 1 for nothing. It comes before the temperature.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Prompts decoded together.</summary>
    [Folded]
    public int BatchSize { get; init; } = 32;

    /// <summary>Seed of sampling.</summary>
    public int Seed { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    public void Validate()
    {
        if (MaxNewTokens < 1) throw new BeearException($"max_new_tokens must be at least 1, it is {MaxNewTokens}.");
        if (!(Temperature >= 0)) throw new BeearException($"temperature must be 0 or more, it is {Temperature}.");
        if (TopK < 0) throw new BeearException($"top_k must be 0 or more, it is {TopK}.");
        if (!(TopP is > 0 and <= 1)) throw new BeearException($"top_p must be above 0 and at most 1, it is {TopP}.");
        if (!(RepetitionPenalty > 0)) throw new BeearException($"repetition_penalty must be above 0, it is {RepetitionPenalty}.");
        if (BatchSize < 1) throw new BeearException($"batch_size must be at least 1, it is {BatchSize}.");
    }
}

/// <summary>A decoded answer.</summary>
/// <param name="Tokens">Its ids, without the token that ended it.</param>
/// <param name="End">The id that ended it; null if it was cut, at the longest length or because no more of it was wanted.</param>
internal sealed record Completion(int[] Tokens, int? End)
{
    /// <summary>Whether the model ended it.</summary>
    public bool Ended => End is not null;
}
