using System.Text.Json;
using Beear.Text.Tokenization.Models;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads models and their vocabularies.</summary>
internal static class ModelReader
{
    /// <summary>Reads one.</summary>
    /// <returns>The model, and its tokens with their ids.</returns>
    /// <exception cref="BeearException">It is damaged, or of a kind that is not supported.</exception>
    public static (ITokenModel Model, Dictionary<string, int> Tokens) Read(JsonPart part)
    {
        string kind = part.OptionalText("type") ?? KindOfOldFile(part);
        if (kind == "Unigram") return part.Finish(ReadUnigram(part));
        if (kind is not ("BPE" or "WordPiece" or "WordLevel")) throw part.Unsupported(kind);
        var tokens = ReadVocabulary(part);
        ITokenModel model = kind switch
        {
            "BPE" => ReadBytePairEncoding(part, tokens),
            "WordPiece" => new WordPiece(
                tokens,
                Find(tokens, part.OptionalText("unk_token") ?? "[UNK]"),
                part.OptionalText("continuing_subword_prefix") ?? "##",
                part.OptionalInteger("max_input_chars_per_word", 0, int.MaxValue) ?? 100),
            _ => new WordLevel(tokens, Find(tokens, part.OptionalText("unk_token") ?? "<unk>")),
        };
        return part.Finish((model, tokens));
    }

    /// <summary>Old files leave the type out.</summary>
    private static string KindOfOldFile(JsonPart part) =>
        part.Optional("merges") is not null ? "BPE" :
        part.Optional("vocab") is { ValueKind: JsonValueKind.Array } ? "Unigram" :
        part.Optional("continuing_subword_prefix") is not null ? "WordPiece" : "WordLevel";

    private static Dictionary<string, int> ReadVocabulary(JsonPart part)
    {
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in part.Required("vocab").EnumerateObject()) tokens[token.Name] = token.Value.GetInt32();
        return tokens;
    }

    private static BytePairEncoding ReadBytePairEncoding(JsonPart part, Dictionary<string, int> tokens)
    {
        part.Ignore("dropout"); // of training
        var options = new BytePairOptions(
            part.Flag("ignore_merges"),
            part.OptionalText("unk_token"),
            part.Flag("fuse_unk"),
            part.Flag("byte_fallback"),
            part.OptionalText("continuing_subword_prefix") ?? "",
            part.OptionalText("end_of_word_suffix") ?? "");
        return new BytePairEncoding(tokens, [.. part.AsList(part.Required("merges"), "merges").Select(ReadMerge)], options);
    }

    private static (string Left, string Right) ReadMerge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2) return (merge[0].GetString()
            ?? "", merge[1].GetString() ?? "");
        string text = merge.GetString() ?? "";
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && text.LastIndexOf(' ') == space
            ? (text[..space], text[(space + 1)..])
            : throw new BeearException($"The merge \"{text}\" is not two tokens with a space between them.");
    }

    private static (ITokenModel, Dictionary<string, int>) ReadUnigram(JsonPart part)
    {
        part.Ignore("alpha", "nbest_size"); // of training
        var scored = part.AsList(part.Required("vocab"), "vocab").Select(ReadScored).ToArray();
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < scored.Length; id++) tokens[scored[id].Token] = id;
        return (new Unigram(scored, part.OptionalInteger("unk_id", 0, int.MaxValue), part.Flag("byte_fallback")), tokens);
    }

    private static (string Token, double Score) ReadScored(JsonElement entry) =>
        entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2
            ? (entry[0].GetString() ?? "", entry[1].GetDouble())
            : throw new BeearException("The model's vocabulary has an entry that is not a token and its score.");

    private static int? Find(Dictionary<string, int> tokens, string token) => tokens.TryGetValue(token, out int id) ? id : null;
}
