using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>
/// How a byte-level tokenizer cuts text into words before it merges: <c>tokenizer.ggml.pre</c> in a GGUF file, a pre-tokenizer in
/// tokenizer.json. Both are a list of patterns, each of which cuts what the ones before it left in one piece.
/// </summary>
internal sealed record NamedPreTokenizer
{
    private const string Digit = @"\p{N}";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

    /// <summary>Every kind that is known; of those with the same patterns, models are written with the first.</summary>
    public static IReadOnlyList<NamedPreTokenizer> All { get; } =
    [
        new([Digit, Gpt2], "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"),
        new([Gpt2], "gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "exaone4", "mellum",
            "modern-bert", "a.x-4.0"),
        new([Words(@"\p{N}{1,3}")], "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2")
        {
            IgnoresMerges = true,
            AddsFirst = true,
        },
        new([Words(@"\p{N}{1,3}")], "dbrx", "smaug-bpe", "chatglm-bpe", "glm4"),
        new([Words(@"\p{N}")], "qwen2", "deepseek-r1-qwen", "megrez", "kormo") { Normalizer = "NFC" },
        new([Words(@"\p{N}")], "stablelm2", "hunyuan", "solar-open", "grok-2"),
        new([CasedWords(@"\p{N}", contractions: "")], "tekken") { IgnoresMerges = true, AddsFirst = true },
        new([CasedWords(@"\p{N}{1,3}", $"{Contractions}?")], "gpt-4o", "llama4", "kanana2"),
        new([@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"], "default"),
        new([@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"], "falcon"),
    ];

    private NamedPreTokenizer(string[] patterns, params string[] kinds) => (Patterns, Kinds) = (patterns, kinds);

    /// <summary>The names of the kind.</summary>
    public IReadOnlyList<string> Kinds { get; }

    /// <summary>Regular expressions, applied one after the other.</summary>
    public IReadOnlyList<string> Patterns { get; }

    /// <summary>Whether a word that is a token is that token, whatever merges would make of it.</summary>
    public bool IgnoresMerges { get; private init; }

    /// <summary>Whether the first token is put before a text unless the metadata say otherwise.</summary>
    public bool AddsFirst { get; private init; }

    /// <summary>The normalizer that these tokenizers have, which llama.cpp does not apply; null for none.</summary>
    public string? Normalizer { get; private init; }

    /// <summary>The pre-tokenizer of a name, or null.</summary>
    public static NamedPreTokenizer? Named(string kind) => All.FirstOrDefault(known => known.Kinds.Contains(kind));

    /// <summary>
    /// The pre-tokenizer that cuts as one of a tokenizer.json does, or null. Ignoring merges where the model does not is no harm: merges
    /// that were learnt make every word of the vocabulary.
    /// </summary>
    /// <param name="json">The value of <c>pre_tokenizer</c>.</param>
    /// <param name="ignoresMerges"><c>ignore_merges</c> of the model.</param>
    /// <param name="normalizer">The kind of normalizer before it, or null.</param>
    public static NamedPreTokenizer? Like(JsonNode? json, bool ignoresMerges, string? normalizer)
    {
        if (PatternsOf(json) is not { } patterns) return null;
        var alike = All.Where(known => known.Patterns.SequenceEqual(patterns, StringComparer.Ordinal)
            && (known.IgnoresMerges || !ignoresMerges));
        return alike.MaxBy(known => (known.IgnoresMerges == ignoresMerges, known.Normalizer == normalizer));
    }

    /// <summary>The value of <c>pre_tokenizer</c> in a tokenizer.json.</summary>
    public JsonObject ToJson()
    {
        var byItself = Patterns[^1] == Gpt2;                                     // ByteLevel has this pattern built in
        var steps = (byItself ? Patterns.SkipLast(1) : Patterns).Select(pattern => pattern == Digit
            ? new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }
            : new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { ["Regex"] = pattern },
                ["behavior"] = "Isolated",
                ["invert"] = false,
            });
        JsonNode[] all = [.. steps, ByteLevel(useRegex: byItself)];
        return all.Length == 1 ? (JsonObject)all[0] : new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(all) };
    }

    /// <summary>A byte-level step of a tokenizer.json.</summary>
    public static JsonObject ByteLevel(bool useRegex) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = false,
        ["trim_offsets"] = true,
        ["use_regex"] = useRegex,
    };

    /// <summary>The patterns of a pre-tokenizer that ends with the byte-level alphabet; null for any other.</summary>
    private static List<string>? PatternsOf(JsonNode? json)
    {
        var steps = json is JsonObject sequence && sequence.Text("type") == "Sequence"
            ? sequence["pretokenizers"] as JsonArray : [json?.DeepClone()];
        var patterns = new List<string>();
        var isByteLevel = false;
        foreach (var step in steps ?? [])
        {
            if (step is not JsonObject part || isByteLevel) return null;
            bool Flag(string key, bool otherwise) =>
                part[key] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : otherwise;
            switch (part.Text("type"))
            {
                case "Digits" when Flag("individual_digits", otherwise: false):
                    patterns.Add(Digit);
                    break;
                case "Split" when (part["pattern"] as JsonObject)?.Text("Regex") is { } regex
                    && IsCut(part.Text("behavior"), Flag("invert", false)):
                    patterns.Add(regex);
                    break;
                case "ByteLevel" when !Flag("add_prefix_space", otherwise: true):
                    isByteLevel = true;
                    if (Flag("use_regex", otherwise: true)) patterns.Add(Gpt2);
                    break;
                default:
                    return null;
            }
        }
        return isByteLevel ? patterns : null;
    }

    /// <summary>Both make every match a piece; where the pattern matches everything, that is all there is.</summary>
    private static bool IsCut(string? behavior, bool invert) => invert ? behavior == "Removed" : behavior == "Isolated";

    private static string Words(string digits) =>
        $@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{Spaces}";

    private static string CasedWords(string digits, string contractions) =>
        $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+{contractions}|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*{contractions}|{digits}" +
        $@"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Spaces}";
}
