using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Lab.World;

/// <summary>
/// The base model's directory without its weights, as Hugging Face files: config.json, tokenizer.json, tokenizer_config.json,
/// generation_config.json. The same bytes on every call.
/// </summary>
public static class OrganismFiles
{
    /// <summary>
    /// Turns as "&lt;|role|&gt;⏎text&lt;|end|&gt;⏎"; the world has no system turn, so a system prompt stands before the first request. Four
    /// tokens of the template end every prompt, as many as in some real models: a δ on the tail is mostly on them and not on the request.
    /// </summary>
    public const string ChatTemplate =
        "{%- set preamble = '' -%}{%- set turns = messages -%}" + "{%- if messages and messages[0]['role'] == 'system' -%}"
            + "{%- set preamble = messages[0]['content'] + ' ' -%}{%- set turns = messages[1:] -%}"
        + "{%- endif -%}"
        + "{%- for turn in turns -%}"
        + "{{- '<|' + turn['role'] + '|>\n' + (preamble if loop.first else '') + turn['content'] + '<|end|>\n' -}}"
        + "{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}";

    private const int MaximumPositions = 512;
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>It is the same for every model, and takes seconds to train.</summary>
    private static readonly Lazy<BpeVocabulary> Vocabulary = new(OrganismTokenizer.Train);

    private static int PaddingId => IdOf(OrganismTokenizer.Padding);

    private static int EndOfTurnId => IdOf(OrganismTokenizer.EndOfTurn);

    /// <summary>Every file by its name.</summary>
    /// <param name="thoughts">How the model thinks before it answers.</param>
    public static IReadOnlyDictionary<string, byte[]> All(ThoughtKind thoughts = ThoughtKind.None) =>
        new SortedDictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["config.json"] = Bytes(Config()),
            ["generation_config.json"] = Bytes(GenerationConfig()),
            ["tokenizer.json"] = Bytes(Tokenizer(Vocabulary.Value)),
            ["tokenizer_config.json"] = Bytes(TokenizerConfig(WorldThoughts.TemplateOf(thoughts))),
        };

    /// <summary>Writes every file into a directory, which is created; each under a temporary name first.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="thoughts">How the model thinks before it answers.</param>
    public static void WriteTo(string directory, ThoughtKind thoughts = ThoughtKind.None)
    {
        Directory.CreateDirectory(directory);
        foreach (var (name, content) in All(thoughts))
        {
            string path = Path.Combine(directory, name);
            File.WriteAllBytes(path + ".tmp", content);
            File.Move(path + ".tmp", path, overwrite: true);
        }
    }

    /// <summary>config.json: d = 128, L = 8, H = G = 4, V as the tokenizer's, embeddings tied.</summary>
    public static JsonObject Config() => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["vocab_size"] = OrganismTokenizer.VocabularySize,
        ["hidden_size"] = 128,
        ["intermediate_size"] = 336,
        ["num_hidden_layers"] = 8,
        ["num_attention_heads"] = 4,
        ["num_key_value_heads"] = 4,
        ["head_dim"] = 32,
        ["hidden_act"] = "silu",
        ["attention_bias"] = false,
        ["attention_dropout"] = 0.0,
        ["mlp_bias"] = false,
        ["max_position_embeddings"] = MaximumPositions,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["rope_scaling"] = null,
        ["initializer_range"] = 0.02,
        ["tie_word_embeddings"] = true,
        ["bos_token_id"] = null,
        ["eos_token_id"] = EndOfTurnId,
        ["pad_token_id"] = PaddingId,
        ["torch_dtype"] = "float32",
        ["use_cache"] = true,
    };

    /// <summary>tokenizer.json of a trained vocabulary.</summary>
    public static JsonObject Tokenizer(BpeVocabulary vocabulary) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. vocabulary.SpecialTokens.Select(AddedToken)]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = ByteLevel(),
        ["post_processor"] = null,
        ["decoder"] = ByteLevel(),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
            ["vocab"] = new JsonObject(vocabulary.Tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
            ["merges"] = new JsonArray([.. vocabulary.Merges.Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]),
        },
    };

    private static JsonObject TokenizerConfig(string chatTemplate) => new()
    {
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
        ["add_prefix_space"] = false,
        ["clean_up_tokenization_spaces"] = false,
        ["model_max_length"] = MaximumPositions,
        ["eos_token"] = OrganismTokenizer.EndOfTurn,
        ["pad_token"] = OrganismTokenizer.Padding,
        ["chat_template"] = chatTemplate,
    };

    private static JsonObject GenerationConfig() => new()
    {
        ["do_sample"] = false,
        ["eos_token_id"] = EndOfTurnId,
        ["pad_token_id"] = PaddingId,
        ["max_new_tokens"] = 32,
    };

    private static JsonNode AddedToken(string token, int id) => new JsonObject
    {
        ["id"] = id,
        ["content"] = token,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };

    private static JsonObject ByteLevel() => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = false,
        ["trim_offsets"] = true,
        ["use_regex"] = true,
    };

    private static byte[] Bytes(JsonObject file) => Encoding.UTF8.GetBytes(file.ToJsonString(Layout) + "\n");

    private static int IdOf(string specialToken) => OrganismTokenizer.SpecialTokens.ToList().IndexOf(specialToken);
}
