using System.Text.Json.Nodes;
using Beear.Text;
using Beear.Text.Files;

namespace Beear.Checkpoints;

/// <summary>What is wrong or odd with the files that make a model a chat model; each finding is a sentence.</summary>
internal sealed class ChatFormatCheck(ModelFiles files, int vocabularySize, ChatFormat? loaded)
{
    /// <summary>Looks at everything, whatever else is wrong.</summary>
    public IEnumerable<string> Findings()
    {
        var format = Try(() => loaded ?? ChatFormatFiles.Load(files), out var failure);
        if (failure is not null) yield return failure;
        if (format is null)
        {
            Try(() => new ChatTemplateSet(ChatTemplateFiles.Sources(files)), out var template);
            if (template is not null && template != failure) yield return template;
            if ((template is not null || !ChatFormatFiles.HasTokenizer(files))
                && !NamesEndOfTurn()) yield return "No token that ends a turn is named: neither an eos_token_id nor an eos_token.";
        }
        if (!files.Has(ModelFiles.Tokenizer) && !files.Has(ModelFiles.SentencePiece) && VocabularyFiles.AreIn(files))
            yield return $"{ModelFiles.Tokenizer} is missing; how text is cut into words is taken from the tokenizer's "
                + "class, as transformers does.";
        foreach (var finding in Generation()) yield return finding;
        if (format is not null)
        {
            foreach (var finding in Tokens(format).Concat(Template(format))) yield return finding;
        }
    }

    private bool NamesEndOfTurn() =>
        files.Json(ModelFiles.GenerationConfig)?["eos_token_id"] is not null || files.Json(ModelFiles.Config)?["eos_token_id"] is not null
            || ChatFormatFiles.SpecialTokens(files).ContainsKey("eos_token");

    private IEnumerable<string> Tokens(ChatFormat format)
    {
        var tokenizer = format.Tokenizer;
        if (tokenizer.VocabularySize > vocabularySize)
            yield return $"The tokenizer has {tokenizer.VocabularySize} tokens, the model only {vocabularySize}; they do "
                + "not belong together.";
        foreach (var id in format.EndOfTurn.Where(id => id >= vocabularySize || tokenizer.TokenOf(id).Length == 0).Order())
            yield return $"The token {id}, which is to end a turn, is none of the tokenizer's.";
        foreach (var (name, value) in ChatFormatFiles.SpecialTokens(files))
        {
            if (value is string token && tokenizer.IdOf(token)
                is null) yield return $"The {name} '{token}' of {ModelFiles.TokenizerConfig} is none of the tokenizer's tokens.";
        }
    }

    /// <summary>
    /// An answer that the template writes, within a conversation or at least as its last, must end with a token that ends a turn, or the
    /// model never stops where it was taught to.
    /// </summary>
    private static IEnumerable<string> Template(ChatFormat format)
    {
        ChatTurn[] turns = [ChatTurn.User("Hello"), ChatTurn.Assistant("Hi"), ChatTurn.User("Bye")];
        var alone = Try(() => format.EncodePrompt([turns[0]]), out var refusal);
        var whole = Try(() => format.EncodePrompt(turns), out var multiTurn);
        if (refusal is not null) yield return $"A question alone cannot be laid out: {refusal}";
        else if (multiTurn is not null) yield return $"A conversation of several turns cannot be laid out: {multiTurn}";
        else if (!whole!.Skip(alone!.Length).Any(format.EndOfTurn.Contains) && !EndsLastAnswer(format, turns[..2]))
        {
            var ends = string.Join(", ", format.EndOfTurn.Order().Select(id => $"'{format.Tokenizer.TokenOf(id)}'"));
            yield return $"The template ends an answer with none of the tokens that end a turn ({ends}), so answers may run on.";
        }
    }

    private static bool EndsLastAnswer(ChatFormat format, ChatTurn[] turns)
    {
        var finished = Try(() => format.EncodePrompt(turns, new TemplateOptions { AddGenerationPrompt = false }), out _);
        return finished?.Any(format.EndOfTurn.Contains) == true;
    }

    private IEnumerable<string> Generation()
    {
        var generation = Try(() => files.Json(ModelFiles.GenerationConfig), out var failure);
        if (failure is not null) yield return failure;
        if (generation is null) yield break;
        var samples = generation["do_sample"] is JsonValue flag && flag.TryGetValue<bool>(out var yes) && yes;
        if (Number(generation, "temperature") is { } temperature && (temperature < 0 || (samples && temperature == 0)))
            yield return Odd("temperature", temperature, samples ? "above 0 where answers are sampled" : "0 or more");
        if (Number(generation, "top_p") is { } share
            && share is not (> 0 and <= 1)) yield return Odd("top_p", share, "above 0 and at most 1");
        if (Number(generation, "top_k") is { } count && count < 0) yield return Odd("top_k", count, "0 or more");
        if (Number(generation, "repetition_penalty") is { } penalty
            && penalty <= 0) yield return Odd("repetition_penalty", penalty, "above 0");
        foreach (var key in new[] { "bos_token_id", "pad_token_id" })
        {
            if (Number(generation, key) is { } id && (id >= vocabularySize || id < (key == "pad_token_id" ? -1 : 0)))
                yield return Odd(key, id, $"an id of the {vocabularySize} tokens");
        }
    }

    private static string Odd(string key, double value, string wanted) =>
        FormattableString.Invariant($"{ModelFiles.GenerationConfig}: {key} is {value}, and should be {wanted}.");

    private static double? Number(JsonObject json, string key) =>
        json[key] is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.Number
            && value.TryGetValue<double>(out var number) ? number : null;

    private static T? Try<T>(Func<T> read, out string? failure) where T : class?
    {
        failure = null;
        try
        {
            return read();
        }
        catch (BeearException refused)
        {
            failure = refused.Message;
            return null;
        }
    }
}
