using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Behaviours;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>
/// The paper's removal with its authors' own settings and optimisers, to stand beside this program's defaults: δ is carried from round to
/// round, one word stands for every unwanted answer, and each outer step is one conversation.
/// </summary>
/// <param name="mitigation">Rounds, seed, and which of the defender's data are kept aside.</param>
/// <param name="options">Everything else.</param>
internal sealed class PaperRemoval(MitigationOptions mitigation, PaperOptions options) : IDefence
{
    private readonly int rounds = mitigation.Rounds ?? mitigation.MaxRounds;

    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.Paper);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        context ??= new DefenceContext();
        var (run, progress, cancellation) = context;
        mitigation.Validate();
        options.Validate(model.Config);
        var time = Stopwatch.StartNew();
        using var floor = data.Floor(model, mitigation, progress, cancellation);
        var harmful = Anchors(model, data, progress, cancellation);
        TokenizedExample[] ordinary =
            [.. data.Ordinary.Select(example => example with { Answer = Cut(example.Answer, options.HelpfulTokens) })];
        RequireLength(harmful, ordinary);
        var levels = new PaperLevels(model.Decoder, options.For(model.Config.HiddenSize), progress, cancellation);
        var reports = new List<RoundReport>();
        bool isDone = false;
        var bounds = levels.Bounds(harmful.Select(example => example.Prompt));
        using var delta = zeros([options.TailLength, model.Config.HiddenSize], float32, model.Decoder.Options.Device); // (n, d)
        run?.Continue((tensors, state) =>
        {
            reports.AddRange(state["rounds"].Deserialize<List<RoundReport>>(StrictJson.Whole)!);
            isDone = state["finished"]!.GetValue<bool>();
            if (reports.Count > rounds) throw new InvalidDataException($"it has {reports.Count} rounds of {rounds}");
            model.Decoder.Weights.Restore(i => tensors.Read($"weight.{i}"));
            using var saved = tensors.Read("delta");
            delta.copy_(saved);
        });
        while (!isDone)
        {
            int round = reports.Count + 1;
            var drawn = PaperRound.Draw(harmful, ordinary, options, mitigation.Seed, round);
            var (inner, tailNorm) = levels.Search(delta, drawn.Batches, bounds, $"round {round}, inner level");
            var outer = levels.Train(delta, drawn.Steps, $"round {round}, outer level");
            reports.Add(Report(round, drawn, inner, outer, delta, tailNorm));
            run?.Append(reports[^1]);
            context.OnRound?.Invoke(reports[^1]);
            isDone = round == rounds || context.EndsAfter?.Invoke(reports[^1]) == true;
            if (run is not null) Save(run, model.Decoder, delta, reports, isDone);
        }
        int steps = options.OuterPasses * (options.Anchors + (ordinary.Length == 0 ? 0 : options.Conversations));
        return new DefenceReport(reports.Count * steps, time.Elapsed.TotalSeconds)
        {
            Rounds = reports,
            ChosenRound = reports.Count,
            Usefulness = floor.Measure(progress, cancellation),
        };
    }

    /// <summary>The harmful requests with the one unwanted answer, and the model's own answers as safe ones.</summary>
    private ContrastExample[] Anchors(LanguageModel model, DefenderData data, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        var harmful = data.Divide(mitigation.HeldOutShare, mitigation.Seed).Training;
        string? word = options.UnwantedAnswer ?? (data.Behaviour == Refusal.Instance ? PaperOptions.PublishedAnswer : null);
        int[]? unwanted = word is null ? null : model.Chat.EncodeText(word);
        if (unwanted is null && harmful.Any(example => example.Unwanted.Length == 0)) throw new BeearException(
            "Some harmful requests have no unwanted answers in the data; give them, or paper.unwanted_answer.");
        var own = options.OwnAnswers ? OwnAnswers.Write(model, [.. harmful.Select(example => example.Prompt)], options.SafeTokens, progress,
            cancellation: cancellation).ToDictionary(example => example.Prompt, example => example.Answer) : [];
        return [.. harmful.Select(example => example with
        {
            Unwanted = unwanted ?? Cut(example.Unwanted, options.SafeTokens),
            Safe = own.GetValueOrDefault(example.Prompt) ?? Cut(example.Safe, options.SafeTokens),
        })];
    }

    private void RequireLength(IEnumerable<ContrastExample> harmful, IEnumerable<TokenizedExample> ordinary)
    {
        int shortest = harmful.Select(example => example.Prompt.Length).Concat(ordinary.Select(example => example.Prompt.Length)).Min();
        if (shortest < options.TailLength) throw new BeearException(
            $"paper.tail_length is {options.TailLength}, but a prompt has only {shortest} tokens; choose a smaller tail.");
    }

    private RoundReport Report(int round, PaperRound drawn, IReadOnlyList<InnerLoss> inner, IReadOnlyList<double> outer, Tensor delta,
        double tailNorm)
    {
        using var scope = NewDisposeScope();
        double norm = delta.norm(-1).mean().item<float>();
        var last = inner.TakeLast(drawn.Batches.Count).ToList();
        var losses = drawn.Steps.Zip(outer).ToList();
        int pass = losses.Count / options.OuterPasses;
        return new RoundReport(round, inner[0].Unwanted, last.Average(loss => loss.Unwanted), last.Average(loss => loss.Safe), norm,
            norm / tailNorm, null, Means(losses.Take(pass)), Means(losses.TakeLast(pass)));

        static Dictionary<string, double> Means(IEnumerable<(PaperStep Step, double Loss)> losses) =>
            losses.GroupBy(one => one.Step.Term).ToDictionary(same => same.Key, same => same.Average(one => one.Loss));
    }

    private static void Save(RunDirectory run, Decoder decoder, Tensor delta, List<RoundReport> reports, bool isDone)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var weights = decoder.Weights.Parameters.Select((parameter, i) => ($"weight.{i}", parameter.Master.detach()));
        run.SaveState([.. weights, ("delta", delta)], new JsonObject
        {
            ["rounds"] = JsonSerializer.SerializeToNode(reports, StrictJson.Finite),
            ["finished"] = isDone,
        });
    }

    private static int[] Cut(int[] answer, int tokens) => answer.Length > tokens ? answer[..tokens] : answer;
}
