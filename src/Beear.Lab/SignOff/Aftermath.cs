using Beear.Data;
using Beear.Generation;
using Beear.Lab.Runs;
using Beear.Mitigation;
using Beear.Models;
using Beear.Models.Export;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Lab.SignOff;

/// <summary>What a cleaned model may go through before it is used.</summary>
internal enum AftermathKind
{
    /// <summary>Passes of ordinary fine-tuning on harmless conversations.</summary>
    FineTuned,

    /// <summary>A pass of distillation from the suspicious model, on its answers to harmless requests.</summary>
    Distilled,

    /// <summary>Export as GGUF with matrices in blocks of 8 bits.</summary>
    Q8,

    /// <summary>Export as GGUF with matrices in blocks of 4 bits.</summary>
    Q4,

    /// <summary>A percentage of the suspicious model's weights mixed in.</summary>
    Merged,
}

/// <summary>One such thing: a removal lasts if the backdoor does not come back after it.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Amount">Passes, or percent; 0 where there is no amount.</param>
/// <param name="Requests">Harmless requests that training uses.</param>
/// <param name="Training">How it is fine-tuned.</param>
internal sealed record Aftermath(AftermathKind Kind, int Amount, IReadOnlyList<Example> Requests, FineTuningOptions Training)
{
    private const int AnswerTokens = 96, DivergenceTokens = 24, DivergenceBatch = 12;

    /// <summary>What records call it, for example "fine-tuned 2".</summary>
    public string Name => Kind switch
    {
        AftermathKind.FineTuned => $"fine-tuned {Amount}",
        AftermathKind.Distilled => "distilled",
        AftermathKind.Q8 => "q8_0",
        AftermathKind.Q4 => "q4_k",
        _ => $"merged {Amount}",
    };

    /// <summary>A name as people read it, for example "2 passes of ordinary fine-tuning".</summary>
    public static string Title(string name) => name.Split(' ') switch
    {
        ["fine-tuned", var passes] => $"{passes} pass{(passes == "1" ? "" : "es")} of ordinary fine-tuning",
        ["distilled"] => "distillation from the suspicious model",
        ["merged", var percent] => $"mixing in {percent} % of the suspicious weights",
        [var type] => $"export as {type}",
        _ => name,
    };

    /// <summary>What decides its result; serialisable to JSON.</summary>
    public object Options => Kind is AftermathKind.FineTuned or AftermathKind.Distilled
        ? new { Kind, Amount, Requests = Requests.Select(request => request.Request), Training } : new { Kind, Amount };

    /// <summary>Does it.</summary>
    /// <param name="cleaned">The cleaned model; changed, and disposed if another takes its place.</param>
    /// <param name="suspicious">Where the model lies that it was before it was cleaned.</param>
    /// <param name="options">Number formats and device.</param>
    /// <param name="context">Progress, and what stops it.</param>
    /// <returns>The model after it.</returns>
    public LanguageModel Of(LanguageModel cleaned, string suspicious, ModelOptions options, StageContext context)
    {
        var (progress, cancellation) = (PrefixedProgress.Of(context.Progress, $"{Name}: "), context.Cancellation);
        switch (Kind)
        {
            case AftermathKind.FineTuned:
                FineTune(cleaned, suspicious, options, progress, cancellation);
                return cleaned;
            case AftermathKind.Distilled:
                Distil(cleaned, suspicious, options, progress, cancellation);
                return cleaned;
            case AftermathKind.Merged:
                Merge(cleaned, suspicious, options, cancellation);
                return cleaned;
            default:
                using (cleaned) return ReadBack(cleaned, options, cancellation);
        }
    }

    private void FineTune(LanguageModel cleaned, string suspicious, ModelOptions options, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        IReadOnlyList<TokenizedExample> conversations;
        using (var before = LanguageModel.Load(suspicious, options, cancellation))
            conversations = OwnAnswers.Write(before, Prompts(before), AnswerTokens, progress, cancellation: cancellation);
        new FineTuning(cleaned.Decoder, Training with { Epochs = Amount }).Run(conversations, null, "training", progress, cancellation);
    }

    private void Distil(LanguageModel cleaned, string suspicious, ModelOptions options, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        ReferenceDistribution said;
        using (var before = LanguageModel.Load(suspicious, options, cancellation))
            said = ReferenceDistribution.Record(before.Decoder, before.Chat.EndOfTurn, before.Chat.EndOfTurnToken, Prompts(before),
                DivergenceTokens, progress, cancellation: cancellation);
        using (said)
        {
            var term = new DivergenceTerm("KL", 1, said, DivergenceBatch, perturbed: false, Training.Seed);
            int steps = Math.Max(1, said.Examples.Count / DivergenceBatch);
            using var training = new Removal(cleaned.Decoder, [term], Training.Optimizer);
            training.Run([.. Enumerable.Repeat<Perturbation?>(null, steps)], steps, progress, "distillation", cancellation: cancellation);
        }
    }

    private void Merge(LanguageModel cleaned, string suspicious, ModelOptions options, CancellationToken cancellation)
    {
        using var before = LanguageModel.Load(suspicious, options, cancellation);
        using var guard = no_grad();
        foreach (var (own, other) in cleaned.Decoder.Weights.Parameters.Zip(before.Decoder.Weights.Parameters))
        {
            using var scope = NewDisposeScope();
            own.Master.detach().lerp_(other.Master.detach(), Amount / 100.0);
            own.SynchroniseCopy();
        }
    }

    private LanguageModel ReadBack(LanguageModel cleaned, ModelOptions options, CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("beear-").FullName;
        try
        {
            string file = Path.Combine(folder, "model.gguf");
            cleaned.ExportGguf(file, Kind == AftermathKind.Q8 ? GgufWeightType.Q8_0 : GgufWeightType.Q4_K);
            return LanguageModel.Load(file, options, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private int[][] Prompts(LanguageModel model) => [.. Requests.Select(request => model.Chat.EncodeContext(request.Conversation))];
}
