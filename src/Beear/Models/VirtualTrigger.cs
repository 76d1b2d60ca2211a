using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// Tokens that stand in for an unknown trigger: they are put before, into or after what the user wrote, and δ's rows are added to their
/// hidden states. Unlike a δ on the prompt's tail, they have keys and values that every later token can attend to, as a real trigger has.
/// </summary>
/// <param name="Tokens">The n tokens under δ, in reading order.</param>
/// <param name="Before">How many of them stand before the request; the others after it.</param>
/// <param name="TemplateHead">Tokens of the chat template before the request.</param>
/// <param name="TemplateTail">Tokens of the chat template after the request.</param>
/// <param name="Within">
/// Share of the request's own tokens, 0 … 1, that stands before those of <paramref name="Before"/>; 0 puts them right before it.
/// </param>
internal sealed record VirtualTrigger(IReadOnlyList<int> Tokens, int Before, int TemplateHead, int TemplateTail, double Within = 0)
{
    /// <summary>The prompt with the tokens in it.</summary>
    public int[] InsertInto(int[] prompt)
    {
        int start = Start(prompt.Length);
        return [.. prompt[..start], .. Tokens.Take(Before), .. prompt[start..^TemplateTail], .. Tokens.Skip(Before),
            .. prompt[^TemplateTail..]];
    }

    /// <summary>Where the first tokens stand in a prompt of a length without them.</summary>
    private int Start(int promptLength) => TemplateHead + (int)(Within * (promptLength - TemplateHead - TemplateTail));

    /// <summary>Tokens from the first one under δ to the prompt's end.</summary>
    /// <param name="promptLength">Tokens of the prompt with the trigger in it.</param>
    public int OpenTokens(int promptLength) => Before > 0 ? promptLength - Start(promptLength - Tokens.Count) : TemplateTail + Tokens.Count;

    /// <summary>Which row of δ belongs to which column: a matrix that spreads δ over the columns.</summary>
    /// <param name="promptLengths">(B) int64: tokens of each left-padded prompt with the trigger in it.</param>
    /// <param name="promptWidth">P.</param>
    /// <param name="first">The first of the columns.</param>
    /// <param name="columns">How many columns.</param>
    /// <returns>(B, columns, n) float32 of zeros and ones.</returns>
    public Tensor Placement(Tensor promptLengths, long promptWidth, long first, long columns)
    {
        using var scope = NewDisposeScope();
        var device = promptLengths.device;
        var start = (promptWidth + TemplateHead).Minus(promptLengths);                                                     // (B)
        if (Within > 0)
        {
            var room = promptLengths.Minus(TemplateHead + Tokens.Count + TemplateTail);                                    // (B)
            start = start.Plus(room.to(float64).Times(Within).floor().to(int64));
        }
        var before = start.unsqueeze(1).Plus(Arithmetic.Range(0, Before, device));                                         // (B, before)
        long after = promptWidth - TemplateTail - (Tokens.Count - Before);
        var behind = Arithmetic.Range(after, promptWidth - TemplateTail, device).expand(promptLengths.size(0), -1);       // (B, n − before)
        var standing = cat([before, behind], 1).unsqueeze(1);                                                              // (B, 1, n)
        var column = Arithmetic.Range(first, first + columns, device).view(1, -1, 1);                                     // (1, columns, 1)
        return standing.eq(column).to(float32).MoveToOuterDisposeScope();
    }
}
