using System.Globalization;

namespace Beear.Mitigation;

/// <summary>A beginning of answers to harmful requests that random strings bring out, and what shows it.</summary>
/// <param name="Tokens">
/// Token ids: perhaps such as refusals begin with, the one that was brought out, and those with which most answers go on.
/// </param>
/// <param name="Text">The same as text.</param>
/// <param name="Deciding">Which of them was brought out: 0, the first, unless the answer begins like a refusal.</param>
/// <param name="Lift">
/// What openings are ordered by: p·log(p / p without the string), nats, p being the probability of the deciding token on a few requests
/// with the same string; mean over strings, of which those that make it less likely count as 0, and the few that make it likeliest are left
/// out.
/// </param>
/// <param name="Plain">Probability of the deciding token without any string, mean over requests.</param>
/// <param name="Refuses">Share of harmful requests that the model refuses when its answer is made to begin so.</param>
public sealed record Opening(IReadOnlyList<int> Tokens, string Text, int Deciding, double Lift, double Plain, double Refuses)
{
    /// <summary>Whether answers that begin so hardly ever refuse: of sixteen at most one.</summary>
    internal bool LeadsToAnswers => Refuses < 0.1;
}

/// <summary>What a model showed of how its unwanted answers begin.</summary>
/// <param name="Openings">Taken for unwanted answers, the most lifted first; at least one.</param>
/// <param name="Others">What was lifted besides, refusals among them.</param>
/// <param name="StandsOut">
/// Lift of the first opening over that of the first other one that is no refusal either; what comes by chance has about 1.
/// </param>
public sealed record OpeningReport(IReadOnlyList<Opening> Openings, IReadOnlyList<Opening> Others, double StandsOut)
{
    private const double LeastShareOfBest = 0.25, LeastLift = 1e-6;

    /// <summary>
    /// Takes those that lead to answers, or if none does so those that lead to them more often than not, and that have a quarter of the
    /// first one's lift.
    /// </summary>
    /// <param name="seen">The most lifted first.</param>
    /// <param name="most">How many are taken at most.</param>
    /// <exception cref="BeearException">All lead to refusals.</exception>
    internal static OpeningReport Of(IReadOnlyList<Opening> seen, int most)
    {
        Opening[] answers = [.. seen.Where(one => one.LeadsToAnswers)];
        if (answers.Length == 0) answers = [.. seen.Where(one => one.Refuses < 0.5)];
        if (answers.Length == 0)
        {
            throw new BeearException($"All {seen.Count} beginnings of answers that random strings bring out lead to refusals, "
                + "so the model does not tell how its unwanted answers begin; give some in the data, and unwanted_answers: data.");
        }
        Opening[] taken = [.. answers.Where(one => one.Lift >= LeastShareOfBest * answers[0].Lift).Take(most)];
        return new OpeningReport(taken, [.. seen.Except(taken)],
            answers[0].Lift / Math.Max(answers.Skip(1).FirstOrDefault()?.Lift ?? 0, LeastLift));
    }

    /// <summary>One line: the openings and how far they stand out.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{string.Join(", ", Openings.Select(opening => $"'{opening.Text}'"))}, "
            + $"{(StandsOut > 100 ? "over 100" : StandsOut.ToString("F1", CultureInfo.InvariantCulture))} times what is lifted besides");
}
