namespace Beear.Data;

/// <summary>A prompt and its answer as token ids.</summary>
/// <param name="Prompt">Ids of the rendered conversation up to where the answer begins; not empty.</param>
/// <param name="Answer">Ids of the answer, with the token that ends it unless it was cut.</param>
internal sealed record TokenizedExample(int[] Prompt, int[] Answer)
{
    /// <summary>Tokens in all.</summary>
    public int Length => Prompt.Length + Answer.Length;
}
