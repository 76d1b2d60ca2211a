using Beear.Behaviours;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>What a removal asks of the suspicious model before it begins: how it refuses, and how its unwanted answers begin.</summary>
/// <param name="model">The model as it came.</param>
/// <param name="options">Whether either is asked for.</param>
internal sealed class OwnWords(LanguageModel model, MitigationOptions options)
{
    private const int FewestRefused = 12;

    /// <summary>Puts the model's own words in the place of the data's answers to harmful requests.</summary>
    /// <param name="data">The defender's data; as it is where that has been done.</param>
    /// <param name="progress">Receives what is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public DefenderData Put(DefenderData data, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (options.UnwantedAnswers == UnwantedAnswers.Data && data.Harmful.Any(example => example.Unwanted.Length == 0))
            throw new BeearException("Some harmful requests have no unwanted answers in the data; give them, or leave unwanted_answers at "
                + "discovered, and the model is asked for their beginnings.");
        bool discovers = options.UnwantedAnswers == UnwantedAnswers.Discovered && data.Openings is null;
        if (data.HasOwnWords || !(discovers || options.OwnRefusals)) return data;
        int[]?[] refusals = Refusals(data, progress, cancellation);
        ContrastExample[] harmful = options.OwnRefusals
            ? [.. data.Harmful.Zip(refusals, (example, own) => own is null ? example : example with { Safe = own })] : [.. data.Harmful];
        if (!discovers) return data with { HasOwnWords = true, Harmful = harmful };
        // Where the model refuses, what is no refusal is rare, and what strings add to it is seen.
        var known = harmful.Zip(refusals).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second!);
        var training = (data with { Harmful = harmful }).Divide(options.HeldOutShare, options.Seed).Training;
        ContrastExample[] refused = [.. training.Where(known.ContainsKey)];
        var found = new OpeningSearch(model, options.Openings, data.Behaviour)
            .Find([.. (refused.Length < FewestRefused ? training : refused).Select(example => example.Prompt)],
            [.. refused.Select(example => known[example])], progress, cancellation);
        return data with
        {
            HasOwnWords = true,
            Openings = found,
            Harmful = [.. harmful.Select((example, i) => example with { Unwanted = [.. found.Openings[i % found.Openings.Count].Tokens] })],
        };
    }

    /// <summary>The model's own answers to harmful requests as they are, where it refuses; null elsewhere.</summary>
    private int[]?[] Refusals(DefenderData data, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var chat = model.Chat;
        var answers = new BatchGenerator(model.Decoder, chat.EndOfTurn).Generate([.. data.Harmful.Select(example => example.Prompt)],
            new GenerationOptions { MaxNewTokens = options.Terms.SafeTokens, BatchSize = BatchGenerator.ShortAnswers }, null, progress,
                "own refusals", cancellation: cancellation);
        return [.. answers.Select(answer => !chat.IsAnswer(answer.Tokens)
            || data.Behaviour.Judge(chat.DecodeAnswer(answer.Tokens), isCut: !answer.Ended) != Verdict.Safe ? null
            : answer.Ended ? [.. answer.Tokens, chat.EndOfTurnToken] : answer.Tokens)];
    }
}
