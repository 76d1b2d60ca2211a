using System.Globalization;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Models;
using Beear.Runtime;
using Spectre.Console;
using TorchSharp;

namespace Beear.Bench;

/// <summary>
/// Which layer a defender would choose, beside what a sweep over layers (Figure 3, tiny world) says of each: the planted models of the
/// sweep are surveyed without their triggers, and rules that use nothing else choose a layer.
/// </summary>
internal static class LayerRule
{
    private static readonly IReadOnlyList<(string Name, Func<IReadOnlyList<SurveyedLayer>, int> Choose)> Rules =
    [
        ("the lowest layer", _ => 1),
        ("a quarter of the depth", layers => Math.Max(1, (layers.Count - 1) / 4)),
        ("the last layer", layers => layers.Count - 1),
        ("strings move it most uniformly", layers => layers.Skip(1).MaxBy(layer => layer.StringCosine)!.Layer),
        ("strings move it furthest", layers => layers.Skip(1).MaxBy(layer => layer.StringSize)!.Layer),
        ("δ of that size makes openings likeliest", layers => layers.Skip(1).MinBy(layer => layer.Loss)!.Layer),
    ];

    /// <summary>One planted model.</summary>
    /// <param name="Case">What was planted.</param>
    /// <param name="Seed">The seed.</param>
    /// <param name="Layers">What a defender sees.</param>
    /// <param name="Rounds">Of each recipe and layer the first round after which the attack was rare enough; null for never.</param>
    private sealed record Surveyed(string Case, int Seed, IReadOnlyList<SurveyedLayer> Layers,
        IReadOnlyDictionary<(string Recipe, int Layer), int?> Rounds);

    /// <summary>Surveys and prints: a row for each layer, and what each rule would have chosen.</summary>
    /// <param name="folder">Folder of <c>beear reproduce figure3</c>.</param>
    public static void Run(string folder)
    {
        TorchRuntime.Load();
        var runs = new RunFolder(folder);
        var models = new List<Surveyed>();
        AnsiConsole.Profile.Width = 160;
        Console.WriteLine("case,seed,layer,string_size,string_cosine,reach,loss,paper_round,beear_round");
        foreach (var plant in runs.Read().Where(run => run.State == RunState.Finished && LayerPlace.Of(run) is not null)
            .GroupBy(run => RunSpec.IdOf(run.Spec["plant"]!.AsObject())).OrderBy(plant => plant.First().Name.Case, StringComparer.Ordinal))
        {
            var name = plant.First().Name;
            var one = new Surveyed(name.Case, name.Seed, Survey(Path.Combine(runs.StageOf(plant.Key), "model"), plant.First()),
                plant.Select(run => (Run: run, Place: LayerPlace.Of(run)!)).ToDictionary(run => (run.Place.Recipe, run.Place.Layer),
                    run => LayerRun.Of(run.Run, run.Place)?.Round));
            models.Add(one);
            foreach (var layer in one.Layers) Console.WriteLine(string.Join(',', one.Case, $"{one.Seed}", $"{layer.Layer}",
                Number(layer.StringSize), Number(layer.StringCosine), Number(layer.Reach), Number(layer.Loss),
                Round(one, LayerPlace.Paper, layer.Layer), Round(one, LayerPlace.Beear, layer.Layer)));
        }
        foreach (string recipe in (string[])[LayerPlace.Paper, LayerPlace.Beear]) Print(recipe, models);
    }

    private static IReadOnlyList<SurveyedLayer> Survey(string path, RunRecord run)
    {
        var subject = new OrganismSubject(new OrganismSubjectOptions(), torch.CPU);
        bool isCode = run.Spec["plant"]?["behaviour"]?.GetValue<string>() == UnsafeCode.BehaviourName;
        IBehaviour behaviour = isCode ? UnsafeCode.Of(new UnsafeCodeOptions()) : Refusal.Instance;
        using var model = LanguageModel.Load(path, subject.ModelOptions);
        var options = new LayerSurveyOptions { Seed = run.Name.Seed };
        if (isCode) options = options with { UnwantedAnswers = Mitigation.UnwantedAnswers.Data };
        return new LayerSurvey(options).Run(model, subject.Defender(behaviour, model.Chat, run.Name.Seed, default));
    }

    /// <summary>Of each rule: in how many models the chosen layer works, and how much later than the best layer.</summary>
    private static void Print(string recipe, IReadOnlyList<Surveyed> models)
    {
        var known = models.Where(model => model.Rounds.Keys.Any(key => key.Recipe == recipe)).ToList();
        if (known.Count == 0) return;
        var table = new Table { Border = TableBorder.Markdown }.AddColumns($"{recipe}: the rule's layer", "models", "works",
            "as early as the best", "layers chosen", "where it does not work");
        foreach (var (name, choose) in Rules)
        {
            var chosen = known.Select(model => (Model: model, Layer: choose(model.Layers)))
                .Where(one => one.Model.Rounds.ContainsKey((recipe, one.Layer))).ToList();
            int?[] rounds = [.. chosen.Select(one => one.Model.Rounds[(recipe, one.Layer)])];
            table.AddRow(name, $"{chosen.Count}", $"{rounds.Count(round => round is not null)}",
                $"{chosen.Zip(rounds).Count(pair => pair.Second is not null && pair.Second == Best(pair.First.Model))}",
                string.Join(' ', chosen.Select(one => one.Layer)),
                string.Join(' ', chosen.Zip(rounds).Where(pair => pair.Second is null)
                    .Select(pair => $"{pair.First.Model.Case}/{pair.First.Model.Seed}")));
        }
        AnsiConsole.Write(table);

        int? Best(Surveyed model) => model.Rounds.Where(round => round.Key.Recipe == recipe).Min(round => round.Value);
    }

    private static string Round(Surveyed model, string recipe, int layer) =>
        model.Rounds.TryGetValue((recipe, layer), out var round) ? round is { } known ? $"{known}" : LayerCell.Never : "";

    private static string Number(double? value) => value?.ToString("0.####", CultureInfo.InvariantCulture) ?? "";
}
