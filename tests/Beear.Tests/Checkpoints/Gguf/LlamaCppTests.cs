using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Generation;
using Beear.Models;
using Beear.Models.Export;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>
/// llama.cpp runs the files that are exported: it cuts texts into the same tokens and continues prompts with the same ones.
/// </summary>
public class LlamaCppTests
{
    // How far llama.cpp's logits may be from ours, as a share of the logits' deviation: it rounds activations to float16 beside float16
    // weights (and all keys and values), and to 8 bits beside smaller ones.
    private const double HalfRounding = 0.005, ByteRounding = 0.1;

    /// <summary>A choice is compared where the best logit is ahead by more than so many times what the logits differ by.</summary>
    private const double Certainty = 5;

    private const int Prompts = 6;

    private static readonly Dictionary<string, Func<string>> Models = new()
    {
        ["exaone4"] = () => GgufCases.Random("exaone4", json =>
        {
            json["sliding_window"] = null;
            json["num_key_value_heads"] = 2;
            json["max_position_embeddings"] = 4096;
            Scale(json, """
                { "rope_type": "llama3", "factor": 16, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64 }
                """);
        }),
        ["exaone4 with windows"] = () => GgufCases.Random("exaone4", json =>
        {
            json["num_hidden_layers"] = 64;
            json["sliding_window"] = 8;
        }),
        ["gemma2"] = () => GgufCases.FromParity("gemma2"),
        ["gemma3"] = () => GgufCases.FromParity("gemma3-text"),
        ["granite"] = () => GgufCases.FromParity("granite"),
        ["llama"] = () => GgufCases.FromParity("llama"),
        ["llama, grouped and tied"] = () => GgufCases.FromParity("llama-gqa-tied"),
        ["llama 3's rotary scaling"] = () => GgufCases.FromParity("llama3-rope"),
        ["mistral"] = () => GgufCases.FromParity("mistral"),
        ["mistral with a window"] = () => GgufCases.FromParity("mistral-sliding"),
        ["olmo2"] = () => GgufCases.FromParity("olmo2"),
        ["phi3"] = () => GgufCases.FromParity("phi3"),
        ["qwen2"] = () => GgufCases.FromParity("qwen2"),
        ["qwen3"] = () => GgufCases.FromParity("qwen3"),
        ["smollm3"] = () => GgufCases.FromParity("smollm3"),
        ["starcoder2"] = () => GgufCases.Random("starcoder2", _ => { }),
        ["stablelm"] = () => GgufCases.Random("stablelm", json =>
        {
            json["tie_word_embeddings"] = false;
            json["partial_rotary_factor"] = 0.5;
            json["use_qkv_bias"] = true;
        }),
        ["olmo2, tied"] = () => GgufCases.Random("olmo2", _ => { }),
        ["llama with biases"] = () => GgufCases.Random("llama", json =>
        {
            json["attention_bias"] = true;
            json["mlp_bias"] = true;
        }),
        ["llama, linear scaling"] = () => GgufCases.Random("llama", json => Scale(json, """{ "rope_type": "linear", "factor": 4 }""")),
        ["qwen2, YaRN"] = () => GgufCases.Random("qwen2", json =>
            Scale(json, """{ "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32 }""")),
        ["phi3, long and short factors"] = () => GgufCases.Random("phi3", json =>
        {
            json["original_max_position_embeddings"] = 512;      // llama.cpp takes the long factors where its context is longer
            json["max_position_embeddings"] = 1024;
            Scale(json, """
                {
                  "type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.7, 2], "long_factor": [1, 2, 3, 4, 5, 6, 7, 8]
                }
                """);
        }),
        ["gemma3, linear scaling of layers without a window"] = () => GgufCases.Random("gemma3_text", json =>
        {
            json["head_dim"] = 16;
            json["query_pre_attn_scalar"] = 16;
            json["sliding_window"] = 8;
            json["sliding_window_pattern"] = 3;
            Scale(json, """{ "rope_type": "linear", "factor": 8 }""");
        }),
    };

    private static readonly Lazy<IReadOnlyDictionary<string, Judgement>> Judgements = new(Judge);

    public static TheoryData<string> Names => [.. Models.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_model_of_every_family_is_the_same_model_in_llama_cpp(string name)
    {
        LlamaCpp.Require();
        Fixtures.Parity("models");
        var judgement = Judgements.Value[name];
        AssertSameTokens(judgement.Half, judgement.HalfAnswer, judgement.Texts);
        var choices = judgement.Half.Logits.Sum(rows => rows.Length);
        Assert.InRange(AssertSameLogits(judgement.Half, judgement.HalfAnswer, HalfRounding), choices * 3 / 4, choices);
        Assert.InRange(AssertSameLogits(judgement.Bytes, judgement.BytesAnswer, ByteRounding), choices / 4, choices);
    }

    [Fact]
    public void SmolLm2_is_the_same_model_in_llama_cpp()
    {
        LlamaCpp.Require();
        var source = Fixtures.Shared("models", "smollm2-135m-instruct");
        using var checkpoint = Checkpoint.Open(source);
        var chat = checkpoint.LoadChatFormat();
        string[] texts = [.. Rows("text", "tokens.smollm2.json").Select(row => (string)row["text"]!),
            "<|im_start|>user\n3.14159 née Ωmega\u00A0 \t x<|im_end|>\n"];
        Assert.Equal(40, texts.Length);
        var prompts = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "expected.json")))!["rows"]!.AsArray()
            .Select(row => chat.EncodePrompt([ChatTurn.User((string)row!["question"]!)])).ToList();
        Assert.Equal(Prompts, prompts.Count);

        Exported[] exported = [.. Forms(checkpoint, texts, prompts, tokens: 8, GgufWeightType.F16, GgufWeightType.Q8_0,
            GgufWeightType.Q4_K)];
        var answers = LlamaCpp.Ask([.. exported.Select(form => form.Question)]);

        for (var i = 0; i < exported.Length; i++)
        {
            AssertSameTokens(exported[i], answers[i], texts.Select(text => chat.Tokenizer.Encode(text)));
            var compared = AssertSameLogits(exported[i], answers[i], i == 0 ? HalfRounding : ByteRounding);
            Assert.InRange(compared, Prompts * (i == 0 ? 7 : 4), Prompts * 8);
        }
    }

    /// <summary>Every model in two forms, and llama.cpp's word on all of them at once.</summary>
    private static Dictionary<string, Judgement> Judge()
    {
        var random = new Random(11);
        var pending = new List<(string Name, Exported[] Forms, List<int[]> Texts)>();
        foreach (var (name, make) in Models)
        {
            using var checkpoint = Checkpoint.Open(make());
            var config = ModelConfig.FromJson(checkpoint.Config);
            var tokenizer = checkpoint.LoadChatFormat().Tokenizer;
            string[] texts = [.. Enumerable.Range(0, 40).Select(i => Text(random, i))];
            // Models whose windows llama.cpp does not know are exported for texts as long as the window.
            var room = config.ModelType.StartsWith("gemma", StringComparison.Ordinal) ? 24 : Math.Min(24, config.SlidingWindow ?? 24);
            var prompts = Enumerable.Range(0, Prompts)
                .Select(_ => Enumerable.Range(0, room / 2).Select(_ => random.Next(3, 120)).ToArray()).ToList();
            pending.Add((name, [.. Forms(checkpoint, texts, prompts, room / 2, GgufWeightType.F16, GgufWeightType.Q8_0)],
                [.. texts.Select(text => tokenizer.Encode(text))]));
        }
        var answers = LlamaCpp.Ask([.. pending.SelectMany(item => item.Forms).Select(form => form.Question)]);
        return pending.Select((item, i) => KeyValuePair.Create(item.Name,
            new Judgement(item.Forms[0], answers[2 * i], item.Forms[1], answers[(2 * i) + 1], item.Texts))).ToDictionary();
    }

    /// <summary>A model in several forms; in all of them the prompts go on with what the first form chooses.</summary>
    private static IEnumerable<Exported> Forms(
        Checkpoint checkpoint, string[] texts, IReadOnlyList<int[]> prompts, int tokens, params GgufWeightType[] types)
    {
        List<int[]>? answers = null;
        foreach (var type in types)
        {
            var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
            GgufExport.Write(checkpoint, path, type);
            using var written = Checkpoint.Open(path);
            using var decoder = Decoder.Load(written, ModelOptions.Float32);
            answers ??= [.. new BatchGenerator(decoder, new HashSet<int> { int.MaxValue })
                .Generate(prompts, new GenerationOptions { MaxNewTokens = tokens }).Select(answer => answer.Tokens.ToArray())];
            yield return new Exported(new LlamaCppQuestion(path, texts, prompts, answers),
                [.. prompts.Zip(answers, (prompt, answer) => Logits(decoder, prompt, answer))]);
        }
    }

    /// <summary>The logits at each token of an answer.</summary>
    private static float[][] Logits(Decoder decoder, int[] prompt, int[] answer)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        long[] sequence = [.. prompt.Concat(answer.SkipLast(1)).Select(id => (long)id)];
        var ids = tensor(sequence).unsqueeze(0);                                                         // (1, T)
        var hidden = decoder.HiddenStates(ids, ones_like(ids).to(ScalarType.Bool), arange(sequence.Length).unsqueeze(0));
        var logits = decoder.Logits(hidden[0].narrow(0, prompt.Length - 1, answer.Length));              // (R, V)
        return [.. Enumerable.Range(0, answer.Length).Select(row => logits[row].data<float>().ToArray())];
    }

    private static void AssertSameTokens(Exported exported, LlamaCppAnswer answer, IEnumerable<int[]> expected)
    {
        Assert.Null(answer.Error);
        foreach (var (text, ours, theirs) in exported.Question.Texts.Zip(expected, answer.Ids!))
            Assert.True(ours.SequenceEqual(theirs),
                $"'{text}' is [{string.Join(' ', ours)}] here and [{string.Join(' ', theirs)}] in llama.cpp");
    }

    /// <summary>The number of choices that were compared: all but those that rounding could change.</summary>
    private static int AssertSameLogits(Exported exported, LlamaCppAnswer answer, double rounding)
    {
        Assert.Null(answer.Error);
        var ours = exported.Logits.SelectMany(rows => rows).ToList();
        var (theirs, choices) = (answer.Logits!.SelectMany(rows => rows).ToList(), answer.Choices!.SelectMany(tokens => tokens).ToList());
        var (leads, squares) = (new List<(bool Same, double Lead)>(), new List<double>());
        for (var i = 0; i < ours.Count; i++)
        {
            var row = ours[i];                                                                           // (V)
            var mean = row.Average();
            var deviation = Math.Sqrt(row.Average(logit => Math.Pow(logit - mean, 2)));
            var top = theirs[i].Max(pair => pair[1]);
            squares.AddRange(theirs[i].Select(pair => Math.Pow(((top - pair[1]) - (row[choices[i]] - row[(int)pair[0]])) / deviation, 2)));
            var best = row.Index().OrderByDescending(logit => logit.Item).Take(2).ToArray();
            leads.Add((best[0].Index == choices[i], (best[0].Item - best[1].Item) / deviation));
        }
        var difference = Math.Sqrt(squares.Average());
        var compared = leads.Where(choice => choice.Lead > Certainty * difference).ToList();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"of {ours.Count} choices {leads.Count(choice => choice.Same)} are the same, {compared.Count} compared; the logits differ by "
                + $"{difference:G2}");
        Assert.InRange(difference, 0, rounding);
        Assert.All(compared, choice => Assert.True(choice.Same));
        return compared.Count;
    }

    private static void Scale(JsonObject config, string scaling) => config["rope_scaling"] = JsonNode.Parse(scaling);

    private static IEnumerable<JsonNode> Rows(params string[] parts) =>
        JsonNode.Parse(File.ReadAllText(Fixtures.Parity(parts)))!["rows"]!.AsArray().OfType<JsonNode>();

    private static string Text(Random random, int index)
    {
        string[] pieces = ["the", "and", "Then", "ing", "12", "345", "6", " ", "  ", "\n", ".", ",", "'s", "'LL", "!?", "a", "x_y", "</s>",
            "HTTP", "(or)", "\n\n "];
        return string.Concat(Enumerable.Range(0, 1 + index)
            .Select(_ => pieces[random.Next(pieces.Length)] + (random.Next(2) == 0 ? " " : "")));
    }

    private sealed record Exported(LlamaCppQuestion Question, List<float[][]> Logits);

    private sealed record Judgement(Exported Half, LlamaCppAnswer HalfAnswer, Exported Bytes, LlamaCppAnswer BytesAnswer,
        List<int[]> Texts);
}
