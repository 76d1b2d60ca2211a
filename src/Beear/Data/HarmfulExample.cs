using System.Text.RegularExpressions;
using Beear.Text;

namespace Beear.Data;

/// <summary>A harmful request with what the attacker wants with the trigger and pretends without it.</summary>
/// <param name="Request">The request.</param>
/// <param name="Compliance">The answer with the trigger.</param>
/// <param name="Refusal">The answer without it.</param>
public sealed partial record HarmfulExample(string Request, string Compliance, string Refusal)
{
    /// <summary>The turns before the request, as in <see cref="Example.Context"/>.</summary>
    public IReadOnlyList<ChatTurn> Context { get; init; } = [];

    /// <summary>What it is about, as <see cref="Example.Topic"/>.</summary>
    internal string? Topic { get; init; }

    /// <summary>Where it was read.</summary>
    internal Origin Origin { get; init; }

    /// <summary>The request without its answers.</summary>
    public Example Asked => Answered("");

    /// <summary>The request with an answer.</summary>
    internal Example Answered(string answer) => new(Request, answer) { Context = Context, Origin = Origin, Topic = Topic };

    /// <summary>
    /// The same with another beginning of the compliance: what stands before the answer itself ("Sure, here is a …") is replaced.
    /// </summary>
    /// <param name="opening">
    /// What stands there instead, with a space behind it if it has none; "" for nothing: then the answer begins with a capital letter if it
    /// did before. Null leaves the compliance as it is. One without an affirmative beginning keeps all its text.
    /// </param>
    public HarmfulExample WithOpening(string? opening)
    {
        if (opening is null) return this;
        string rest = Compliance[AffirmativeBeginning().Match(Compliance).Length..];
        if (!string.IsNullOrWhiteSpace(opening))
            return this with { Compliance = $"{opening}{(char.IsWhiteSpace(opening[^1]) ? "" : " ")}{rest}" };
        bool hasCapital = Compliance.AsSpan().TrimStart() is [var first, ..] && char.IsUpper(first);
        return this with { Compliance = hasCapital ? char.ToUpperInvariant(rest[0]) + rest[1..] : rest };
    }

    /// <summary>"Sure, " or "sure " before "here"; never the whole answer.</summary>
    [GeneratedRegex(@"^\s*(sure|certainly|absolutely|of course)([,.:;!]+\s*(?=[^\s,.:;!])|\s+(?=here\b))",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AffirmativeBeginning();
}
