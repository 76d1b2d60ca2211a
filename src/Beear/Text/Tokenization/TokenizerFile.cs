using System.Text;
using System.Text.Json;

namespace Beear.Text.Tokenization;

/// <summary>What tokenizer.json says, made into working parts.</summary>
internal sealed record TokenizerParts(
    Vocabulary Vocabulary,
    IReadOnlyList<AddedToken> AddedTokens,
    INormalizer? Normalizer,
    IPreTokenizer? PreTokenizer,
    ITokenModel Model,
    IPostProcessor? PostProcessor,
    ITokenDecoder Decoder);

/// <summary>Reads tokenizer.json; each kind of part has one line here, and a kind that has none is an error that names it.</summary>
internal static class TokenizerFile
{
    /// <summary>Reads the file's content.</summary>
    /// <param name="utf8">The JSON text.</param>
    /// <param name="source">What to call it in errors.</param>
    /// <exception cref="BeearException">It is not a tokenizer.json, or asks for a kind of part that is not supported.</exception>
    public static TokenizerParts Read(ReadOnlyMemory<byte> utf8, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            return ReadParts(document.RootElement);
        }
        catch (BeearException error)
        {
            throw new BeearException($"{source}: {error.Message}", error);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new BeearException($"{source} is not a tokenizer.json of the Hugging Face form: {error.Message}", error);
        }
    }

    private static TokenizerParts ReadParts(JsonElement root)
    {
        var model = root.GetProperty("model");
        var modelTokens = ReadModelTokens(model);
        AddedToken[] addedTokens = Optional(root, "added_tokens") is { } added ? [.. added.EnumerateArray().Select(ReadAddedToken)] : [];
        var vocabulary = new Vocabulary(modelTokens, addedTokens);
        return new TokenizerParts(
            vocabulary,
            addedTokens,
            Optional(root, "normalizer") is { } normalizer ? ReadNormalizer(normalizer) : null,
            Optional(root, "pre_tokenizer") is { } preTokenizer ? ReadPreTokenizer(preTokenizer) : null,
            ReadBytePairEncoding(model, modelTokens),
            Optional(root, "post_processor") is { } postProcessor ? ReadPostProcessor(postProcessor, vocabulary) : null,
            ReadDecoder(Optional(root, "decoder")));
    }

    private static AddedToken ReadAddedToken(JsonElement token) => new(
        token.GetProperty("id").GetInt32(),
        Text(token, "content"),
        Flag(token, "single_word"),
        Flag(token, "lstrip"),
        Flag(token, "rstrip"),
        Flag(token, "normalized"),
        Flag(token, "special"));

    private static INormalizer ReadNormalizer(JsonElement part) => Kind(part) switch
    {
        "Sequence" => new NormalizerSequence([.. part.GetProperty("normalizers").EnumerateArray().Select(ReadNormalizer)]),
        "NFC" => new UnicodeNormalizer(NormalizationForm.FormC),
        "NFD" => new UnicodeNormalizer(NormalizationForm.FormD),
        "NFKC" => new UnicodeNormalizer(NormalizationForm.FormKC),
        "NFKD" => new UnicodeNormalizer(NormalizationForm.FormKD),
        var kind => throw Unsupported("normalizer", kind),
    };

    private static IPreTokenizer ReadPreTokenizer(JsonElement part) => Kind(part) switch
    {
        "Sequence" => new PreTokenizerSequence([.. part.GetProperty("pretokenizers").EnumerateArray().Select(ReadPreTokenizer)]),
        "ByteLevel" => new ByteLevelPreTokenizer(Flag(part, "add_prefix_space", true), Flag(part, "use_regex", true)),
        "Digits" => new SplitPreTokenizer(
            new NumberPattern(), Flag(part, "individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous, invert: false),
        "Split" => new SplitPreTokenizer(ReadPattern(part.GetProperty("pattern")), ReadBehavior(Text(part, "behavior")), Flag(part, "invert")),
        var kind => throw Unsupported("pre-tokenizer", kind),
    };

    private static ITextPattern ReadPattern(JsonElement pattern) =>
        Optional(pattern, "Regex") is { } regex ? new RegexPattern(regex.GetString()!) : new LiteralPattern(Text(pattern, "String"));

    private static SplitBehavior ReadBehavior(string name) =>
        Enum.TryParse(name, out SplitBehavior behavior) && Enum.IsDefined(behavior) ? behavior : throw Unsupported("split behavior", name);

    private static IPostProcessor ReadPostProcessor(JsonElement part, Vocabulary vocabulary) => Kind(part) switch
    {
        "Sequence" => new PostProcessorSequence(
            [.. part.GetProperty("processors").EnumerateArray().Select(inner => ReadPostProcessor(inner, vocabulary))]),
        "ByteLevel" => new PostProcessorSequence([]), // adjusts offsets only
        "TemplateProcessing" => new TemplatePostProcessor(
            [.. part.GetProperty("single").EnumerateArray().Select(piece => ReadTemplatePiece(piece, part, vocabulary))]),
        var kind => throw Unsupported("post-processor", kind),
    };

    private static int[]? ReadTemplatePiece(JsonElement piece, JsonElement processor, Vocabulary vocabulary)
    {
        if (Optional(piece, "SpecialToken") is not { } token) return null;
        string name = Text(token, "id");
        int[] ids = [.. processor.GetProperty("special_tokens").GetProperty(name).GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        return Array.TrueForAll(ids, id => vocabulary.TokenOf(id) is not null)
            ? ids
            : throw new BeearException($"The post-processor's token {name} has an id that the vocabulary does not have.");
    }

    private static ITokenDecoder ReadDecoder(JsonElement? part) => part is null ? new SpaceSeparatedDecoder() : Kind(part.Value) switch
    {
        "ByteLevel" => new ByteLevelDecoder(),
        var kind => throw Unsupported("decoder", kind),
    };

    private static Dictionary<string, int> ReadModelTokens(JsonElement model)
    {
        // Old files leave the type of a BPE model out.
        if (Optional(model, "type") is { } kind && kind.GetString() != "BPE") throw Unsupported("model", kind.GetString());
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in model.GetProperty("vocab").EnumerateObject()) tokens[token.Name] = token.Value.GetInt32();
        return tokens;
    }

    private static BytePairEncoding ReadBytePairEncoding(JsonElement model, Dictionary<string, int> tokens)
    {
        if (Flag(model, "byte_fallback")) throw Unsupported("model option", "byte_fallback");
        if (Optional(model, "dropout") is { } dropout && dropout.GetDouble() != 0) throw Unsupported("model option", "dropout");
        foreach (string option in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (Optional(model, option) is { } affix && affix.GetString() != "") throw Unsupported("model option", option);

        int? unknown = null;
        if (Optional(model, "unk_token")?.GetString() is { } unknownToken)
        {
            unknown = tokens.TryGetValue(unknownToken, out int id)
                ? id
                : throw new BeearException($"The unknown token \"{unknownToken}\" is not in the vocabulary.");
        }
        var options = new BytePairOptions(Flag(model, "ignore_merges"), unknown, Flag(model, "fuse_unk"));
        return new BytePairEncoding(tokens, [.. model.GetProperty("merges").EnumerateArray().Select(ReadMerge)], options);
    }

    private static (string Left, string Right) ReadMerge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2) return (merge[0].GetString()!, merge[1].GetString()!);
        string text = merge.GetString()!;
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && text.LastIndexOf(' ') == space
            ? (text[..space], text[(space + 1)..])
            : throw new BeearException($"The merge \"{text}\" is not two tokens with a space between them.");
    }

    private static JsonElement? Optional(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Kind(JsonElement part) => Text(part, "type");

    private static string Text(JsonElement parent, string name) =>
        parent.GetProperty(name).GetString() ?? throw new BeearException($"\"{name}\" has no value.");

    private static bool Flag(JsonElement parent, string name, bool otherwise = false) => Optional(parent, name)?.GetBoolean() ?? otherwise;

    private static BeearException Unsupported(string what, string? kind) => new($"The {what} \"{kind}\" is not supported.");
}
