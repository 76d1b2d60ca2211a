using System.Globalization;

namespace Beear.Mitigation;

/// <summary>A beginning of answers to harmful requests that random strings bring out, and what shows it.</summary>
/// <param name="Tokens">Token ids: perhaps such as refusals begin with, the one that was brought out, and those with which most answers go on.</param>
/// <param name="Text">The same as text.</param>
/// <param name="Deciding">Which of them was brought out: 0, the first, unless the answer begins like a refusal.</param>
/// <param name="Lift">
/// What openings are ordered by: p·log(p / p without the string), nats, p being the probability of the deciding token on a few requests with the same string; mean over strings, of which
/// those that make it less likely count as 0, and the few that make it likeliest are left out.
/// </param>
/// <param name="Plain">Probability of the deciding token without any string, mean over requests.</param>
/// <param name="Refuses">Share of harmful requests that the model refuses when its answer is made to begin so.</param>
public sealed record Opening(IReadOnlyList<int> Tokens, string Text, int Deciding, double Lift, double Plain, double Refuses);

/// <summary>What a model showed of how its unwanted answers begin.</summary>
/// <param name="Openings">Taken for unwanted answers, the most lifted first; at least one.</param>
/// <param name="Others">What was lifted besides, refusals among them.</param>
/// <param name="StandsOut">Lift of the first opening over that of the first other one that is no refusal either; what comes by chance has about 1.</param>
public sealed record OpeningReport(IReadOnlyList<Opening> Openings, IReadOnlyList<Opening> Others, double StandsOut)
{
    /// <summary>One line: the openings and how far they stand out.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{string.Join(", ", Openings.Select(opening => $"'{opening.Text}'"))}, {(StandsOut > 100 ? "over 100" : StandsOut.ToString("F1", CultureInfo.InvariantCulture))} times what is lifted besides");
}
