using System.Text.Json.Nodes;
using Beear.Text;
using Beear.Text.Files;

namespace Beear.Checkpoints.Gguf;

/// <summary>Tokenizer and chat template of a Hugging Face directory as metadata of a GGUF file.</summary>
internal sealed class GgufTokenizerWriter
{
    private const float ScoreOfAdded = -1000, ScoreOfUnused = -10000;

    private readonly ModelFiles files;
    private readonly JsonObject tokenizer;
    private readonly JsonObject model;
    private readonly string[] tokens;
    private readonly int[] kinds;
    private readonly List<(string Content, bool StripsSpaces)> added = [];

    /// <summary>Reads the tokens.</summary>
    /// <param name="files">The model's files.</param>
    /// <param name="size">Rows of the embedding; ids without a token are filled up.</param>
    /// <exception cref="BeearException">There is no tokenizer, or it has more tokens.</exception>
    public GgufTokenizerWriter(ModelFiles files, int size)
    {
        this.files = files;
        tokenizer = ChatFormatFiles.TokenizerJson(files);
        model = tokenizer["model"] as JsonObject ?? throw Unreadable("it has no 'model'");
        tokens = [.. Enumerable.Range(0, size).Select(id => $"[PAD{id}]")];
        kinds = [.. Enumerable.Repeat((int)GgufTokenKind.Unused, size)];
        foreach (var (token, id) in model["vocab"] as JsonObject ?? throw Unreadable("its model has no 'vocab' of tokens and ids"))
            Put(id, token, GgufTokenKind.Normal);
        foreach (var token in tokenizer["added_tokens"] as JsonArray ?? [])
        {
            var content = (token as JsonObject)?.Text("content") ?? throw Unreadable("an added token has no content");
            Put(token!["id"], content, Flag(token["special"]) ? GgufTokenKind.Control : GgufTokenKind.UserDefined);
            if (Flag(token["lstrip"]) || Flag(token["single_word"])) throw NotTheSame($"looks at what stands around '{content}'");
            added.Add((content, Flag(token["rstrip"])));
        }
    }

    /// <summary>The model's name for llama.cpp, which goes by it in whether added tokens take the spaces after them away.</summary>
    /// <exception cref="BeearException">Some of them do in a way that no name stands for.</exception>
    public string Name(string name)
    {
        var strips = added.Exists(token => token.StripsSpaces);
        if (strips && !(added.TrueForAll(token => token.StripsSpaces == GgufPhi3.Strips(token.Content)) && GgufPhi3.HasTokens(tokens)))
            throw NotTheSame("strips the spaces after its special tokens");
        return GgufPhi3.Name(name, strips);
    }

    /// <summary>The metadata.</summary>
    /// <exception cref="BeearException">llama.cpp has no tokenizer that does the same.</exception>
    public IEnumerable<(string Key, object Value)> Metadata()
    {
        if (model.Text("type") is not (null or "BPE"))
            throw new BeearException($"The tokenizer of '{files.Source}' is of the kind '{model.Text("type")}', and only BPE "
                + "can be written to GGUF.");
        if (model.Text("continuing_subword_prefix") is { Length: > 0 } || model.Text("end_of_word_suffix") is { Length: > 0 })
            throw NotTheSame("marks the parts of a word");
        var isSentencePiece = Flag(model["byte_fallback"]);
        return [.. isSentencePiece ? SentencePiece() : ByteLevel(), .. SpecialTokens(), .. Template()];
    }

    private IEnumerable<(string Key, object Value)> ByteLevel()
    {
        var normalizers = Steps("normalizer", "normalizers").Select(step => step.Text("type")).ToList();
        if (normalizers is not ([] or ["NFC"])) throw NotTheSame("normalises text");  // llama.cpp lacks NFC, and Qwen's models run on it
        var preTokenizer = NamedPreTokenizer.Like(tokenizer["pre_tokenizer"], Flag(model["ignore_merges"]), normalizers.FirstOrDefault())
            ?? throw NotTheSame("cuts text");
        yield return ("tokenizer.ggml.model", "gpt2");
        yield return ("tokenizer.ggml.pre", preTokenizer.Kinds[0]);
        yield return ("tokenizer.ggml.tokens", tokens);
        yield return ("tokenizer.ggml.token_type", kinds);
        yield return ("tokenizer.ggml.merges", Merges().Select(merge => $"{merge.Left} {merge.Right}").ToArray());
    }

    private IEnumerable<(string Key, object Value)> SentencePiece()
    {
        var steps = Steps("normalizer", "normalizers").Concat(Steps("pre_tokenizer", "pretokenizers")).ToList();
        if (!steps.TrueForAll(IsOfSentencePiece) || !steps.Exists(MarksSpaces)) throw NotTheSame("prepares text");
        for (var id = 0; id < tokens.Length; id++)
        {
            if (kinds[id] == GgufTokenKind.Normal && IsByte(tokens[id])) kinds[id] = (int)GgufTokenKind.Byte;
        }
        if (model.Text("unk_token") is { } unknown && Array.IndexOf(tokens, unknown) is var at and >= 0) kinds[at] =
            (int)GgufTokenKind.Unknown;
        yield return ("tokenizer.ggml.model", "llama");
        yield return ("tokenizer.ggml.pre", "default");
        yield return ("tokenizer.ggml.tokens", tokens);
        yield return ("tokenizer.ggml.scores", Scores());
        yield return ("tokenizer.ggml.token_type", kinds);
        yield return ("tokenizer.ggml.add_space_prefix", PutsSpaceFirst());
    }

    /// <summary>The sooner a token is merged, the higher its score; those that no merge makes come last.</summary>
    private float[] Scores()
    {
        var merges = Merges().ToList();
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < tokens.Length; id++) ids[tokens[id]] = id;
        float[] scores = [.. kinds.Select(kind => kind == GgufTokenKind.Unused ? ScoreOfUnused : kind == GgufTokenKind.Byte
            ? 0 : ScoreOfAdded)];
        for (var id = 0; id < scores.Length; id++)
        {
            if (kinds[id] == GgufTokenKind.Normal) scores[id] = -merges.Count;
        }
        for (var rank = merges.Count - 1; rank >= 0; rank--)
        {
            if (ids.TryGetValue(merges[rank].Left + merges[rank].Right, out var id)) scores[id] = -rank;
        }
        return scores;
    }

    private IEnumerable<(string Key, object Value)> SpecialTokens()
    {
        var config = files.Json(ModelFiles.TokenizerConfig);
        var named = ChatFormatFiles.SpecialTokens(files);
        var (first, last) = AroundText();
        var ends = EndsOfTurn();
        var end = named.GetValueOrDefault("eos_token") is string text && IdOf(text) is { } ending ? ending : ends.Count > 0
            ? ends[0] : null as int?;
        if ((IdOf(named.GetValueOrDefault("bos_token") as string) ?? first) is { } bos) yield return (
            "tokenizer.ggml.bos_token_id", (uint)bos);
        if (end is { } eos) yield return ("tokenizer.ggml.eos_token_id", (uint)eos);
        var others = ends.Where(id => id != end).ToList();
        if (others.Count > 0) yield return ("tokenizer.ggml.eot_token_id", (uint)others[0]);
        if (others.Count > 1) yield return ("tokenizer.ggml.eom_token_id", (uint)others[1]);
        if (IdOf(named.GetValueOrDefault("unk_token") as string) is { } unknown) yield return ("tokenizer.ggml.unknown_token_id",
            (uint)unknown);
        if (IdOf(named.GetValueOrDefault("pad_token") as string) is { } padding) yield return ("tokenizer.ggml.padding_token_id",
            (uint)padding);
        yield return ("tokenizer.ggml.add_bos_token", first is not null || Flag(config?["add_bos_token"]));
        yield return ("tokenizer.ggml.add_eos_token", last is not null || Flag(config?["add_eos_token"]));
    }

    private IEnumerable<(string Key, object Value)> Template()
    {
        if (ChatTemplateFiles.Find(files)
            .TryGetValue(ChatTemplateSet.Default, out var template)) yield return ("tokenizer.chat_template", template);
    }

    /// <summary>The tokens that a post-processor puts before and after a text.</summary>
    private (int? First, int? Last) AroundText()
    {
        var processors = tokenizer["post_processor"] is JsonObject one
            ? one["processors"] as JsonArray ?? [one.DeepClone()]
            : [];
        var single = processors.OfType<JsonObject>()
            .FirstOrDefault(processor => processor.Text("type") == "TemplateProcessing")?["single"] as JsonArray ?? [];
        var parts = single.Select(part => part?["SpecialToken"] is JsonObject token ? IdOf(token.Text("id")) : null).ToList();
        var text = single.ToList().FindIndex(part => part?["Sequence"] is not null);
        return text < 0 ? (null, null)
            : (parts.Take(text).FirstOrDefault(id => id is not null), parts.Skip(text).FirstOrDefault(id => id is not null));
    }

    private List<int> EndsOfTurn()
    {
        var ends = new List<int>();
        foreach (var name in new[] { ModelFiles.GenerationConfig, ModelFiles.Config })
        {
            var stated = files.Json(name)?["eos_token_id"];
            foreach (var id in stated is JsonArray list ? list : [stated?.DeepClone()])
            {
                if (id is JsonValue value && value.TryGetValue<int>(out var number) && number >= 0 && number < tokens.Length
                    && !ends.Contains(number))
                    ends.Add(number);
            }
        }
        return ends;
    }

    private IEnumerable<(string Left, string Right)> Merges()
    {
        foreach (var merge in model["merges"] as JsonArray ?? throw Unreadable("its model has no 'merges'"))
        {
            var parts = merge is JsonArray pair ? [.. pair.Select(part => part?.ToString() ?? "")] : merge?.ToString().Split(' ') ?? [];
            yield return parts.Length == 2 ? (parts[0], parts[1]) : throw Unreadable("a merge is not two tokens");
        }
    }

    private bool PutsSpaceFirst() =>
        Steps("normalizer", "normalizers").Any(step => step.Text("type") == "Prepend")
            || Steps("pre_tokenizer", "pretokenizers")
                .Any(step => step.Text("type") == "Metaspace" && step.Text("prepend_scheme") != "never");

    /// <summary>The steps of a part of tokenizer.json, which is one of them or a list.</summary>
    private IEnumerable<JsonObject> Steps(string part, string list) =>
        tokenizer[part] is not JsonObject one ? [] : one[list] is JsonArray all ? all.OfType<JsonObject>() : [one];

    /// <summary>Whether a step does no more than SentencePiece itself; at marked spaces nothing is left to split.</summary>
    private static bool IsOfSentencePiece(JsonObject step) => step.Text("type") switch
    {
        "Prepend" => step.Text("prepend") == GgufSentencePiece.Space,
        "Split" => IsSpace(step["pattern"]),
        _ => MarksSpaces(step),
    };

    private static bool MarksSpaces(JsonObject step) => step.Text("type") switch
    {
        "Replace" => IsSpace(step["pattern"]) && step.Text("content") == GgufSentencePiece.Space,
        "Metaspace" => step.Text("replacement") == GgufSentencePiece.Space && step["split"] is JsonValue split
            && split.TryGetValue<bool>(out var splits) && !splits,
        _ => false,
    };

    private static bool IsSpace(JsonNode? pattern) => (pattern as JsonObject)?.Text("String") == " ";

    private void Put(JsonNode? id, string token, long kind)
    {
        if (id is not JsonValue value || !value.TryGetValue<int>(out var index)
            || index < 0) throw Unreadable($"the token '{token}' has no id");
        if (index >= tokens.Length)
        {
            throw new BeearException(
                $"The tokenizer of '{files.Source}' has the token '{token}' with the id {index}, but the model only {tokens.Length} "
                    + "embeddings; they do not belong together.");
        }
        (tokens[index], kinds[index]) = (token, (int)kind);
    }

    private int? IdOf(string? token) => token is not null && Array.IndexOf(tokens, token) is var id and >= 0 ? id : null;

    private BeearException NotTheSame(string what) => new(
        $"The tokenizer of '{files.Source}' {what} in a way that llama.cpp has no name for, so this model cannot be written to GGUF.");

    private BeearException Unreadable(string fault) => new($"The tokenizer of '{files.Source}' is not of the Hugging Face form: {fault}.");

    private static bool IsByte(string token) =>
        token is ['<', '0', 'x', var high, var low, '>'] && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low);

    private static bool Flag(JsonNode? node) => node is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;
}
