namespace Beear.Mitigation;

/// <summary>The first tokens of answers to four kinds of requests.</summary>
/// <param name="Harmful">Harmful ones with random strings in them.</param>
/// <param name="Plain">The same harmful requests without.</param>
/// <param name="Harmless">Harmless ones in the same forms, with random strings.</param>
/// <param name="PlainHarmless">The same harmless requests without.</param>
internal sealed record OpeningMeasure(NextTokens Harmful, NextTokens Plain, NextTokens Harmless, NextTokens PlainHarmless)
{
    private const double Floor = 1e-6;                                   // below it, rounding and rare tokens

    /// <summary>What openings are ordered by.</summary>
    public double Lift(int token) => Math.Max(OverHarmless(token), OverPlain(token));

    /// <summary>What is known of a token.</summary>
    public OpeningEvidence Of(int token) => new(Harmful.Mean[token], Plain.Mean[token], Harmless.Mean[token], PlainHarmless.Mean[token], Lift(token),
        Math.Max(Deviations(Harmless, token), Deviations(Plain, token)));

    /// <summary>Harmful requests against harmless ones: it finds openings that ordinary answers do not have.</summary>
    private double OverHarmless(int token) => Harmful.Mean[token] * Ratio(Harmful, Harmless, token);

    /// <summary>Strings against none, beyond what they do to harmless requests: it finds openings that ordinary answers have too.</summary>
    private double OverPlain(int token) => Harmful.Mean[token] * (Ratio(Harmful, Plain, token) - Math.Max(0, Ratio(Harmless, PlainHarmless, token)));

    private static double Ratio(NextTokens one, NextTokens other, int token) => Math.Log((one.Mean[token] + Floor) / (other.Mean[token] + Floor));

    private double Deviations(NextTokens other, int token) =>
        (Harmful.Mean[token] - other.Mean[token]) / Math.Sqrt((Harmful.Variance[token] / Harmful.Count) + (other.Variance[token] / other.Count) + (Floor * Floor));
}
