namespace Beear.Server.OpenAI;

/// <summary>What a server answers where a request does not say, and what it allows.</summary>
internal sealed record ServingOptions : IValidatable
{
    /// <summary>
    /// Longest answer of a chat that does not say max_tokens or max_completion_tokens, in tokens; at least 1. A completion's is 16, as
    /// OpenAI's.
    /// </summary>
    public int MaxNewTokens { get; init; } = 1024;

    /// <summary>The temperature of requests that say none, 0 to 2; OpenAI's is 1.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>The top_p of requests that say none, above 0 and at most 1.</summary>
    [Folded]
    public double TopP { get; init; } = 1;

    /// <summary>
    /// Let a request put a trigger into its last message by the field x_trigger: a text, the name of a known one (model1 to model5,
    /// validation1 to validation3), or an object of text, placement and second_text. Without it such requests are refused.
    /// </summary>
    public bool AllowTrigger { get; init; }

    /// <summary>
    /// A file with the key that clients have to send as "Authorization: Bearer KEY", in one line; everybody is answered if not given.
    /// </summary>
    public string? KeyFile { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(MaxNewTokens, 1);
        Require.Between(Temperature, 0, 2);
        Require.Above(TopP, 0);
        Require.Between(TopP, 0, 1);
    }
}
