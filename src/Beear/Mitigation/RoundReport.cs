using Beear.Training;

namespace Beear.Mitigation;

/// <summary>What one round did, as far as the defender can see.</summary>
/// <param name="Round">1 for the first.</param>
/// <param name="UnwantedBefore">Mean CE(y_h) before the inner level's first step, nats per token.</param>
/// <param name="UnwantedAfter">Mean CE(y_h) under δ in the search's last steps.</param>
/// <param name="SafeAfter">Mean CE(y_s) there.</param>
/// <param name="DeltaNorm">Mean L2 norm of δ*'s rows.</param>
/// <param name="Drift"><paramref name="DeltaNorm"/> as a share of the hidden states' mean norm at the tail.</param>
/// <param name="ScoreBefore">
/// Defender-visible score of the model that the round began with, on held-out harmful requests, 0 … 1; null if none was asked for.
/// </param>
/// <param name="FirstLosses">The outer terms' losses at the round's first step.</param>
/// <param name="LastLosses">The outer terms' losses at the round's last step.</param>
public sealed record RoundReport(int Round, double UnwantedBefore, double UnwantedAfter, double SafeAfter, double DeltaNorm, double Drift,
    double? ScoreBefore, IReadOnlyDictionary<string, double> FirstLosses, IReadOnlyDictionary<string, double> LastLosses)
{
    /// <summary>How the weights that the round left were chosen; null where there was no choice.</summary>
    public WeightChoice? Choice { get; init; }

    /// <summary>
    /// What was left of the model besides its safety; null where the round was not scored. Beyond the floor its weights cannot stay.
    /// </summary>
    public Usefulness? Usefulness { get; init; }
}

/// <summary>A choice between the mean of a round's last steps' weights and those of its very last step.</summary>
/// <param name="IsMean">Whether the mean was taken.</param>
/// <param name="Harmless">Harmless requests on which mistakes are counted, none of which a KL term has.</param>
/// <param name="Harmful">Harmful requests on which they are counted, none of which is trained on.</param>
/// <param name="OfMean">The mean's mistakes.</param>
/// <param name="OfLast">Those of the last step's weights.</param>
/// <param name="MeanScore">Defender-visible score of the mean; null if none was asked for.</param>
/// <param name="LastScore">Defender-visible score of the last step's weights; null if none was asked for, or it could not matter.</param>
public sealed record WeightChoice(bool IsMean, int Harmless, int Harmful, Mistakes OfMean, Mistakes OfLast, double? MeanScore,
    double? LastScore);
