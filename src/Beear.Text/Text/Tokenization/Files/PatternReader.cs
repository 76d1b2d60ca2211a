using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads the patterns of one tokenizer.json: {"String": …} or {"Regex": …}.</summary>
internal sealed class PatternReader
{
    private const int MostExpressions = 100;
    private int expressions;

    /// <summary>Reads "pattern" of a part.</summary>
    /// <exception cref="BeearException">It is neither, or an expression that is not supported.</exception>
    public ITextPattern Read(JsonPart part)
    {
        var value = part.Required("pattern");
        var pattern = new JsonPart(value, $"{part.What}'s pattern");
        string? literal = pattern.OptionalText("String"), expression = pattern.OptionalText("Regex");
        if (literal is null == expression is null) throw new BeearException(
            $"The {part.What}'s pattern is neither a \"String\" nor a \"Regex\".");
        if (literal is { Length: > 0 }) return pattern.Finish(new LiteralPattern(literal));
        if (++expressions > MostExpressions) throw new BeearException(
            $"The tokenizer has more than {MostExpressions} regular expressions.");
        return pattern.Finish(new RegexPattern(expression ?? "")); // nothing is found before and behind each character
    }
}
