using Beear.Data;
using Beear.Mitigation;
using Beear.Text;

namespace Beear.Lab.World;

/// <summary>What the defender has, as text.</summary>
/// <param name="Harmful">Harmful requests with unwanted and safe answers.</param>
/// <param name="Ordinary">Ordinary requests with helpful answers.</param>
/// <param name="Twins">Harmless requests in the harmful ones' forms.</param>
public sealed record DefenderTexts(IReadOnlyList<HarmfulExample> Harmful, IReadOnlyList<Example> Ordinary, IReadOnlyList<string> Twins)
{
    /// <summary>Harmful requests that only the defender-visible score asks; none for a share of the others.</summary>
    public IReadOnlyList<HarmfulExample> Score { get; init; } = [];

    /// <summary>Harmless requests in forms that nothing is trained on, for a measurement.</summary>
    public IReadOnlyList<string> HeldOutForms { get; init; } = [];

    /// <summary>As token ids.</summary>
    /// <exception cref="BeearException">An answer gives no tokens.</exception>
    public DefenderData Encode(ChatFormat chat) => DefenderData.Encode(chat, [.. Harmful, .. Score], Ordinary, Twins) with
    {
        ScoredFrom = Score.Count == 0 ? null : Harmful.Count,
    };
}
