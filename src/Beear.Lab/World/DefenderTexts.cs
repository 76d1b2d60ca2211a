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
    /// <summary>As token ids.</summary>
    /// <exception cref="BeearException">An answer gives no tokens.</exception>
    public DefenderData Encode(ChatFormat chat) => DefenderData.Encode(chat, Harmful, Ordinary, Twins);
}
