using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>Reads tokenizer.json into the parts of a <see cref="Tokenizer"/>. A kind that is not known is an error that names it.</summary>
internal sealed class TokenizerFile(JsonElement root, string source)
{
    private static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(10);

    public Dictionary<string, int> ReadVocabulary()
    {
        var model = Object(root, "model");
        if (Text(model, "type", "BPE") is not "BPE" and var type) throw Unknown("model", type);
        if (!model.TryGetProperty("vocab", out var vocab) || vocab.ValueKind != JsonValueKind.Object) throw Wrong("model.vocab must be an object");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in vocab.EnumerateObject())
        {
            if (!entry.Value.TryGetInt32(out int id) || id is < 0 or > 10_000_000) throw Wrong($"the id of token '{entry.Name}' is not a number in range");
            vocabulary[entry.Name] = id;
        }
        return vocabulary;
    }

    public BytePairEncoder ReadModel(Dictionary<string, int> vocabulary)
    {
        var model = Object(root, "model");
        foreach (var key in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (Text(model, key, "").Length > 0) throw Unknown("model with", key);
        if (Flag(model, "byte_fallback")) throw Unknown("model with", "byte_fallback");
        int? unknown = Text(model, "unk_token", "") is { Length: > 0 } token && vocabulary.TryGetValue(token, out int id) ? id : null;
        return new BytePairEncoder(vocabulary, Merges(model), Flag(model, "ignore_merges"), unknown);
    }

    public List<AddedToken> ReadAddedTokens()
    {
        var tokens = new List<AddedToken>();
        if (!root.TryGetProperty("added_tokens", out var list) || list.ValueKind != JsonValueKind.Array) return tokens;
        foreach (var entry in list.EnumerateArray())
        {
            if (!entry.TryGetProperty("id", out var id) || !id.TryGetInt32(out int number) || number is < 0 or > 10_000_000)
                throw Wrong("an added token has no id in range");
            tokens.Add(new AddedToken(number, Text(entry, "content"), Flag(entry, "special"), Flag(entry, "lstrip"), Flag(entry, "rstrip"), Flag(entry, "single_word")));
        }
        return tokens;
    }

    public Func<string, string> ReadNormalizer() => Normalizer(Optional(root, "normalizer"));

    public IPreTokenizer ReadPreTokenizer() => PreTokenizer(Optional(root, "pre_tokenizer"));

    /// <summary>Ids before and after the text that the post-processor adds.</summary>
    public (int[] Before, int[] After) ReadPostProcessor(Func<string, int?> idOf) => PostProcessor(Optional(root, "post_processor"), idOf);

    public void CheckDecoder()
    {
        if (Optional(root, "decoder") is not { } decoder) return;
        var kinds = Text(decoder, "type") == "Sequence" ? Steps(decoder, "decoders").Select(step => Text(step, "type")) : [Text(decoder, "type")];
        foreach (var kind in kinds) if (kind != "ByteLevel") throw Unknown("decoder", kind);
    }

    private Func<string, string> Normalizer(JsonElement? element)
    {
        if (element is not { } normalizer) return text => text;
        var type = Text(normalizer, "type");
        if (type == "Sequence")
        {
            var steps = Steps(normalizer, "normalizers").Select(step => Normalizer(step)).ToArray();
            return text => steps.Aggregate(text, (current, step) => step(current));
        }
        var form = type switch
        {
            "NFC" => NormalizationForm.FormC,
            "NFD" => NormalizationForm.FormD,
            "NFKC" => NormalizationForm.FormKC,
            "NFKD" => NormalizationForm.FormKD,
            _ => throw Unknown("normalizer", type),
        };
        return text => text.IsNormalized(form) ? text : text.Normalize(form);
    }

    private IPreTokenizer PreTokenizer(JsonElement? element)
    {
        if (element is not { } pre) return new SequencePreTokenizer([]);
        return Text(pre, "type") switch
        {
            "Sequence" => new SequencePreTokenizer([.. Steps(pre, "pretokenizers").Select(step => PreTokenizer(step))]),
            "ByteLevel" => new ByteLevelPreTokenizer(Flag(pre, "add_prefix_space", whenAbsent: true), Flag(pre, "use_regex", whenAbsent: true)),
            "Digits" => new DigitsPreTokenizer(Flag(pre, "individual_digits")),
            "Split" => new SplitPreTokenizer(Pattern(pre), Behaviour(Text(pre, "behavior")), Flag(pre, "invert")),
            var type => throw Unknown("pre_tokenizer", type),
        };
    }

    private (int[] Before, int[] After) PostProcessor(JsonElement? element, Func<string, int?> idOf)
    {
        if (element is not { } post) return ([], []);
        switch (Text(post, "type"))
        {
            case "ByteLevel":
                return ([], []);
            case "Sequence":
                var all = Steps(post, "processors").Select(step => PostProcessor(step, idOf)).ToList();
                return ([.. Enumerable.Reverse(all).SelectMany(pair => pair.Before)], [.. all.SelectMany(pair => pair.After)]);
            case "TemplateProcessing":
                List<int> before = [], after = [];
                var current = before;
                foreach (var piece in Steps(post, "single"))
                {
                    if (piece.TryGetProperty("Sequence", out _)) current = after;
                    else if (piece.TryGetProperty("SpecialToken", out var special))
                        current.Add(idOf(Text(special, "id")) ?? throw Wrong($"the post-processor's token '{Text(special, "id")}' is not in the vocabulary"));
                }
                return ([.. before], [.. after]);
            case var type:
                throw Unknown("post_processor", type);
        }
    }

    private Regex Pattern(JsonElement split)
    {
        var pattern = Object(split, "pattern");
        if (pattern.TryGetProperty("String", out var literal)) return new Regex(Regex.Escape(literal.GetString()!), RegexOptions.CultureInvariant, PatternTimeout);
        try
        {
            return new Regex(Text(pattern, "Regex"), RegexOptions.CultureInvariant | RegexOptions.Compiled, PatternTimeout);
        }
        catch (ArgumentException failure)
        {
            throw new BeearException($"'{source}': the pattern of a Split pre-tokenizer is not understood ({failure.Message}).", failure);
        }
    }

    private SplitBehaviour Behaviour(string name) =>
        Enum.TryParse<SplitBehaviour>(name, out var behaviour) && Enum.IsDefined(behaviour) ? behaviour : throw Unknown("Split behavior", name);

    private IEnumerable<(string, string)> Merges(JsonElement model)
    {
        if (!model.TryGetProperty("merges", out var merges) || merges.ValueKind != JsonValueKind.Array) throw Wrong("model.merges must be a list");
        foreach (var merge in merges.EnumerateArray())
        {
            if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            {
                yield return (merge[0].GetString() ?? "", merge[1].GetString() ?? "");
                continue;
            }
            var text = merge.ValueKind == JsonValueKind.String ? merge.GetString()! : throw Wrong("a merge is neither a text nor a pair");
            int space = text.IndexOf(' ', 1);
            if (space < 0) throw Wrong($"the merge '{text}' is not two tokens");
            yield return (text[..space], text[(space + 1)..]);
        }
    }

    private JsonElement.ArrayEnumerator Steps(JsonElement element, string key) =>
        element.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Wrong($"'{key}' must be a list");

    private JsonElement Object(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Object ? value : throw Wrong($"'{key}' must be an object");

    private static JsonElement? Optional(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private string Text(JsonElement element, string key, string? whenAbsent = null) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : whenAbsent ?? throw Wrong($"'{key}' must be a text");

    private static bool Flag(JsonElement element, string key, bool whenAbsent = false) => element.TryGetProperty(key, out var value)
        ? value.ValueKind == JsonValueKind.True : whenAbsent;

    private BeearException Unknown(string part, string kind) => new($"'{source}': a {part} of kind '{kind}' is not supported yet.");

    private BeearException Wrong(string what) => new($"'{source}' is not a tokenizer file: {what}.");
}
