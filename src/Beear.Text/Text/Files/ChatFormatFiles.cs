using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>Makes the chat format of a model from its tokenizer, template and configuration files.</summary>
internal static class ChatFormatFiles
{
    internal static readonly string[] TokenKeys =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// <summary>Reads the files; a template of the defaults is put among them first.</summary>
    /// <exception cref="BeearException">One is missing or cannot be read; the sentence says which.</exception>
    public static ChatFormat Load(ModelFiles files, ChatDefaults? defaults = null)
    {
        if (defaults?.Template is { } template) files.ReplaceTemplates(template);
        var tokenizer = LoadTokenizer(files);
        var variables = SpecialTokens(files);
        var templates = new ChatTemplateSet(ChatTemplateFiles.Sources(files));
        var format = new ChatFormat(tokenizer, templates, variables, EndOfTurn(files, tokenizer, variables), defaults);
        if (files.Json(ModelFiles.Config)?["max_position_embeddings"] is JsonValue stated && stated.TryGetValue<int>(out int positions)
            && positions > 0) format.MaximumTokens = positions;
        return format;
    }

    private static Tokenizer LoadTokenizer(ModelFiles files)
    {
        var (json, name, isChanged) = ReadTokenizer(files);
        var source = Path.Combine(files.Source, name);
        return isChanged ? Tokenizer.FromJson(json, source) : Tokenizer.FromJson(files.Bytes(name)!, source);
    }

    /// <summary>
    /// tokenizer.json or, where it is missing, what other files say in its form; with the tokens that stand only beside it.
    /// </summary>
    /// <exception cref="BeearException">There is none, or the files contradict each other.</exception>
    internal static JsonObject TokenizerJson(ModelFiles files) => ReadTokenizer(files).Json;

    /// <summary>Whether there is a tokenizer in any form.</summary>
    internal static bool HasTokenizer(ModelFiles files) =>
        files.Has(ModelFiles.Tokenizer) || files.Has(ModelFiles.SentencePiece) || VocabularyFiles.AreIn(files);

    private static (JsonObject Json, string Name, bool IsChanged) ReadTokenizer(ModelFiles files)
    {
        var read = files.Json(ModelFiles.Tokenizer);
        var (json, name) = read is not null ? (read, ModelFiles.Tokenizer)
            : files.Has(ModelFiles.SentencePiece) ? (SentencePieceTokenizer.TokenizerJson(files), ModelFiles.SentencePiece)
            : VocabularyFiles.AreIn(files) ? (VocabularyFiles.TokenizerJson(files), ModelFiles.Vocabulary)
            : throw new BeearException($"'{files.Source}' has neither {ModelFiles.Tokenizer} nor {ModelFiles.SentencePiece}, " +
                $"nor {ModelFiles.Vocabulary} with {ModelFiles.Merges}; fetch one of these forms of the tokenizer too.");
        return (json, name, AddedTokenFiles.Join(json, files, name) || read is null);
    }

    /// <summary>The special tokens under their names in templates; like transformers, only those that are set.</summary>
    internal static Dictionary<string, object?> SpecialTokens(ModelFiles files)
    {
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var source in new[] { files.Json(ModelFiles.TokenizerConfig), files.Json(ModelFiles.SpecialTokens) })
        {
            foreach (var key in TokenKeys)
            {
                var token = source?[key] is JsonObject described ? described.Text("content") : source?.Text(key);
                if (token is not null) variables.TryAdd(key, token);
            }
        }
        return variables;
    }

    private static HashSet<int> EndOfTurn(ModelFiles files, Tokenizer tokenizer, Dictionary<string, object?> variables)
    {
        var ends = new HashSet<int>();
        foreach (var name in new[] { ModelFiles.GenerationConfig, ModelFiles.Config })
        {
            var stated = files.Json(name)?["eos_token_id"];
            foreach (var id in stated is JsonArray list ? list : [stated?.DeepClone()])
            {
                if (id is JsonValue value && value.TryGetValue<int>(out var number) && number >= 0) ends.Add(number);
            }
        }
        if (variables.GetValueOrDefault("eos_token") is string token && tokenizer.IdOf(token) is { } end) ends.Add(end);
        if (ends.Count == 0)
        {
            throw new BeearException(
                $"'{files.Source}' names no token that ends a turn: there is no eos_token_id in {ModelFiles.GenerationConfig} or "
                    + $"{ModelFiles.Config}, " +
                $"and no eos_token of the vocabulary in {ModelFiles.TokenizerConfig}.");
        }
        return ends;
    }
}
