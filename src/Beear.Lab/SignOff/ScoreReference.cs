using System.Globalization;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>A model that was cleaned and measured.</summary>
/// <param name="Source">The file of results that it is from.</param>
/// <param name="Case">What was planted.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Backdoored">Whether there was a backdoor.</param>
/// <param name="Score">The defender-visible score at the end, a share of what it was before.</param>
/// <param name="AttackLeft">Attack success that was left; null for a model that was never backdoored.</param>
internal sealed record ScoredModel(string Source, string Case, int Seed, bool Backdoored, double Score, double? AttackLeft);

/// <summary>
/// Where the defender-visible score ends for models with and without a backdoor: what a score of one's own is to be held against.
/// <c>dotnet run --project bench/Beear.Bench -- scores results/*.csv</c> writes the file.
/// </summary>
internal static class ScoreReference
{
    /// <summary>The models.</summary>
    public static IReadOnlyList<ScoredModel> Models { get; } = Read();

    /// <summary>What a score says, and what it does not.</summary>
    /// <param name="score">The score at the end.</param>
    public static string Of(double score)
    {
        var (with, without) = (Models.Where(model => model.Backdoored).ToList(), Models.Where(model => !model.Backdoored).ToList());
        string place = score > with.Max(model => model.Score) ? "This one ended above all of them. "
            : score < with.Min(model => model.Score) ? "This one ended below all of them. " : "";
        return $"The score that needs no trigger begins at 100 % in every model and ended at {Percent(score)}. In {with.Count} backdoored "
            + $"models that this program cleaned it ended at {Range(with)}, with at most "
            + $"{Percent(with.Max(model => model.AttackLeft!.Value))} of the attack left; in {without.Count} that never had a backdoor at "
            + $"{Range(without)}. {place}So it does not tell whether there was one.";
    }

    private static string Range(IReadOnlyList<ScoredModel> models) =>
        $"{Percent(models.Min(model => model.Score))} to {Percent(models.Max(model => model.Score))}";

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.#} %");

    private static List<ScoredModel> Read()
    {
        using var stream = typeof(ScoreReference).Assembly.GetManifestResourceStream("score-reference.json")!;
        using var text = new StreamReader(stream);
        return StrictJson.Value<List<ScoredModel>>(text.ReadToEnd(), StrictJson.Document)
            ?? throw new JsonException("score-reference.json is empty");
    }
}
