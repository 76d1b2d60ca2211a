namespace Beear.Mitigation;

/// <summary>How likely answers begin with a token, mean over requests.</summary>
/// <param name="OnHarmful">Of harmful requests with random strings in them.</param>
/// <param name="OnPlain">Of the same harmful requests without.</param>
/// <param name="OnHarmless">Of harmless requests in the same forms, with random strings.</param>
/// <param name="OnPlainHarmless">Of the same harmless requests without.</param>
/// <param name="Lift">
/// p·log(p / p′), nats, what openings are ordered by: p on harmful requests with strings, p′ on harmless ones with strings or on plain harmful ones, whichever gives more.
/// </param>
/// <param name="Deviations">The larger of both differences, in standard deviations of itself.</param>
public sealed record OpeningEvidence(double OnHarmful, double OnPlain, double OnHarmless, double OnPlainHarmless, double Lift, double Deviations);

/// <summary>How answers begin to which a model is inclined on harmful requests, and which are no refusals.</summary>
/// <param name="Tokens">Token ids: the first one, and those with which the model goes on in most answers that begin with it.</param>
/// <param name="Text">The same as text.</param>
/// <param name="Evidence">How likely the first token is, and where.</param>
/// <param name="Refuses">Share of harmful requests that the model refuses when its answer is made to begin so.</param>
public sealed record Opening(IReadOnlyList<int> Tokens, string Text, OpeningEvidence Evidence, double Refuses);

/// <summary>What a model showed of how its unwanted answers begin.</summary>
/// <param name="Openings">Taken for unwanted answers, the most lifted first; at least one.</param>
/// <param name="Refusals">Beginnings with as much lift that lead to refusals.</param>
/// <param name="IsSignificant">Whether the openings stand out from chance; false where the best of those that do not were taken.</param>
public sealed record OpeningReport(IReadOnlyList<Opening> Openings, IReadOnlyList<Opening> Refusals, bool IsSignificant);
