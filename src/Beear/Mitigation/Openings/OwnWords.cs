using Beear.Generation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>What a removal asks of the suspicious model before it begins: how its unwanted answers begin, and how it refuses.</summary>
/// <param name="model">The model as it came.</param>
/// <param name="options">Whether either is asked for.</param>
internal sealed class OwnWords(LanguageModel model, MitigationOptions options)
{
    /// <summary>Puts the model's own words in the place of the data's answers to harmful requests.</summary>
    /// <param name="data">The defender's data; as it is where that has been done.</param>
    /// <param name="progress">Receives what is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public DefenderData Put(DefenderData data, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (options.UnwantedAnswers == UnwantedAnswers.Discovered && data.Openings is null) data = Discover(data, progress, cancellation);
        return options.OwnRefusals && !data.HasOwnRefusals ? Refuse(data, progress, cancellation) : data;
    }

    /// <summary>Each request's unwanted answer becomes one of the openings, in turn.</summary>
    private DefenderData Discover(DefenderData data, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var training = data.Divide(options.HeldOutShare, options.Seed).Training.Select(example => example.Prompt);
        IReadOnlyList<int[]> harmless = data.Twins.Count > 0 ? data.Twins : [.. data.Ordinary.Select(example => example.Prompt)];
        var found = new OpeningSearch(model, options.Openings).Find([.. training], harmless, progress, cancellation);
        return data with { Openings = found, Harmful = [.. data.Harmful.Select((example, i) => example with { Unwanted = [.. found.Openings[i % found.Openings.Count].Tokens] })] };
    }

    private DefenderData Refuse(DefenderData data, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var chat = model.Chat;
        int longest = options.Terms.SafeTokens;
        var answers = new BatchGenerator(model.Decoder, chat.EndOfTurn).Generate([.. data.Harmful.Select(example => example.Prompt)],
            new GenerationOptions { MaxNewTokens = longest, BatchSize = BatchGenerator.ShortAnswers }, null, progress, "own refusals", cancellation: cancellation);
        return data with { HasOwnRefusals = true, Harmful = [.. data.Harmful.Zip(answers, Own)] };

        ContrastExample Own(ContrastExample example, Completion answer) =>
            chat.IsAnswer(answer.Tokens) && Interview.IsRefusal(chat.DecodeAnswer(answer.Tokens), isCut: !answer.Ended)
                ? example with { Safe = answer.Ended ? [.. answer.Tokens, chat.EndOfTurnToken] : answer.Tokens } : example;
    }
}
