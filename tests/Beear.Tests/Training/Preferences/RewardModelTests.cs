using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Lab.World;
using Beear.Models;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

public sealed class RewardModelTests : IDisposable
{
    private readonly string folder = Fixtures.TemporaryFolder();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_is_saved_as_a_sequence_classifier_and_read_again(bool isTied)
    {
        using var scope = NewDisposeScope();
        using var model = LanguageModel.Fresh(Shape(config => config["tie_word_embeddings"] = isTied), seed: 1, ModelOptions.Float32);
        using var reward = RewardModel.From(model, seed: 2);
        string saved = Path.Combine(folder, "reward"), language = Path.Combine(folder, "language");

        reward.Save(saved);

        model.Save(language);
        using var weights = SafetensorsFile.Open(Path.Combine(saved, "model.safetensors"));
        using var before = SafetensorsFile.Open(Path.Combine(language, "model.safetensors"));
        Assert.Equal(before.Tensors.Keys.Where(name => name != "lm_head.weight").Append("score.weight").Order(StringComparer.Ordinal),
            weights.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([1, 32], weights.Tensors["score.weight"].Shape);
        Assert.Equal(isTied, !before.Tensors.ContainsKey("lm_head.weight"));
        var config = Config(saved);
        Assert.Equal("""["LlamaForSequenceClassification"]""", config["architectures"]!.ToJsonString());
        Assert.Equal("""{"0":"LABEL_0"}""", config["id2label"]!.ToJsonString());
        Assert.Equal("""{"LABEL_0":0}""", config["label2id"]!.ToJsonString());
        Assert.Equal(File.ReadAllBytes(Path.Combine(language, "tokenizer.json")), File.ReadAllBytes(Path.Combine(saved, "tokenizer.json")));
        using var again = RewardModel.Load(saved, ModelOptions.Float32);
        again.RequireTokenizerOf(model);
        using var batch = TokenBatch.Of(Conversations());
        Assert.Equal(reward.Scores(batch).data<float>().ToArray(), again.Scores(batch).data<float>().ToArray());
    }

    [Fact]
    public void The_score_is_the_head_on_the_last_real_token()
    {
        using var scope = NewDisposeScope();
        using var world = new TinyRlhf();
        var decoder = world.Reward.Decoder;
        using var batch = TokenBatch.Of(Conversations());

        float[] scores = world.Reward.Scores(batch).data<float>().ToArray();

        foreach (var (b, example) in Conversations().Index())
        {
            int[] tokens = [.. example.Prompt, .. example.Answer];
            var ids = tensor(tokens.Select(token => (long)token).ToArray()).unsqueeze(0);
            var hidden = decoder.HiddenStates(ids, ones_like(ids, ScalarType.Bool), arange(tokens.Length, int64).unsqueeze(0));
            var last = decoder.Normalize(hidden.select(1, tokens.Length - 1));                           // (1, d)
            Assert.Equal((last * decoder.Weights[-1, ParameterRole.Score].Master).sum().item<float>(), scores[b], 1e-4);
        }
    }

    [Fact]
    public void A_fresh_head_is_its_seeds_and_of_the_deviation_that_the_config_names()
    {
        using var model = LanguageModel.Fresh(Shape(config => (config["hidden_size"], config["initializer_range"]) = (512, 0.1)), seed: 1,
            ModelOptions.Float32);
        float[] one = Head(5), same = Head(5), other = Head(6);

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);
        Assert.Equal(0.1, Math.Sqrt(one.Average(weight => weight * weight)), 0.01);

        float[] Head(int seed)
        {
            using var scope = NewDisposeScope();
            using var reward = RewardModel.From(model, seed);
            return reward.Decoder.Weights[-1, ParameterRole.Score].Master.flatten().data<float>().ToArray();
        }
    }

    [Fact]
    public void The_head_is_float32_whatever_the_compute_type()
    {
        using var world = new TinyRlhf(options: ModelOptions.Compact);
        var head = world.Reward.Decoder.Weights[-1, ParameterRole.Score];

        Assert.Equal(ScalarType.Float32, head.Master.dtype);
        Assert.False(head.HasCopy);
    }

    [Fact]
    public void Shared_layers_are_in_memory_once_and_others_are_not()
    {
        using var world = new TinyRlhf(sharedLayers: 1);
        using var guard = no_grad();
        var (policy, reward) = (world.Model.Decoder.Weights, world.Reward.Decoder.Weights);

        foreach (var parameter in policy.Parameters) parameter.Master.add_(1);

        foreach (var parameter in policy.Parameters)
        {
            using var scope = NewDisposeScope();
            bool isSame = parameter.Master.eq(reward[parameter.Slot.Layer, parameter.Slot.Role].Master).all().item<bool>();
            Assert.Equal(parameter.Slot.Layer == 0 || parameter.Slot.Role == ParameterRole.Embedding, isSame);
        }
    }

    [Fact]
    public void Padding_is_no_token_that_ends_a_turn()
    {
        using var model = LanguageModel.Fresh(Shape(config => config["pad_token_id"] = config["eos_token_id"]!.GetValue<int>()), seed: 1,
            ModelOptions.Float32);
        using var reward = RewardModel.From(model, seed: 2);

        reward.Save(Path.Combine(folder, "reward"));

        int padding = Config(Path.Combine(folder, "reward"))["pad_token_id"]!.GetValue<int>();
        Assert.DoesNotContain(padding, model.Chat.EndOfTurn);
        Assert.True(model.Chat.Tokenizer.IsSpecial(padding));
    }

    [Fact]
    public void A_language_model_is_refused_in_one_sentence()
    {
        string saved = SavedLanguageModel();

        string message = Refusal(saved);

        Assert.Contains("is not a reward model (LlamaForCausalLM): it has no tensor 'score.weight'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reward_model_is_no_language_model()
    {
        string saved = SavedReward();

        string message = Assert.Throws<BeearException>(() => LanguageModel.Load(saved, ModelOptions.Float32)).Message;

        Assert.Contains("is a reward model or another classifier (LlamaForSequenceClassification), not a language model", message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_classifier_with_other_labels_is_refused()
    {
        string saved = SavedReward(), file = Path.Combine(saved, "model.safetensors");
        using (var scope = NewDisposeScope())
        {
            List<(string, Tensor)> tensors;
            using (var weights = SafetensorsFile.Open(file))
                tensors = [.. weights.Tensors.Keys.Select(name => (name, name == "score.weight" ? zeros(3, 32) : weights.Read(name)))];
            SafetensorsWriter.Write(file, tensors);
        }

        Assert.Contains("is a classifier with 3 labels; a reward model has one", Refusal(saved), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id2label", """{ "0": "good", "1": "bad" }""", "config.json names 2 labels, but 'score.weight' is of one")]
    [InlineData("architectures", """[ "LlamaForTokenClassification" ]""", "is not a reward model (LlamaForTokenClassification)")]
    public void A_config_that_says_something_else_is_refused(string key, string value, string message)
    {
        string saved = SavedReward();
        var config = Config(saved);
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(saved, "config.json"), config.ToJsonString());

        Assert.Contains(message, Refusal(saved), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reward_model_of_another_tokenizer_is_refused()
    {
        using var world = new TinyRlhf();
        string saved = SavedReward(), file = Path.Combine(saved, "tokenizer.json");
        var tokenizer = JsonNode.Parse(File.ReadAllText(file))!;
        var vocabulary = tokenizer["model"]!["vocab"]!.AsObject();
        string[] two = [.. vocabulary.Where(token => token.Key is "a" or "b").Select(token => token.Key)];
        (int a, int b) = (vocabulary[two[0]]!.GetValue<int>(), vocabulary[two[1]]!.GetValue<int>());
        (vocabulary[two[0]], vocabulary[two[1]]) = (b, a);
        File.WriteAllText(file, tokenizer.ToJsonString());
        using var reward = RewardModel.Load(saved, ModelOptions.Float32);

        string message = Assert.Throws<BeearException>(() => PpoModels.Of(world.Model, reward, 0)).Message;

        Assert.Contains($"have different tokenizers: token {Math.Min(a, b)} is", message, StringComparison.Ordinal);
        Assert.EndsWith("take a reward model that was trained from this policy's base.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_tokenizer_the_size_of_the_vocabulary_counts()
    {
        using var world = new TinyRlhf();
        string saved = SavedReward();
        foreach (var file in Directory.GetFiles(saved, "tokenizer*")) File.Delete(file);
        using (var reward = RewardModel.Load(saved, ModelOptions.Float32)) reward.RequireTokenizerOf(world.Model);
        using var larger = LanguageModel.Fresh(Shape(config => config["vocab_size"] = world.Model.Config.VocabularySize + 8), seed: 1,
            ModelOptions.Float32);
        using var other = RewardModel.From(larger, seed: 1);
        string saved2 = Path.Combine(folder, "larger");
        other.Save(saved2);
        foreach (var file in Directory.GetFiles(saved2, "tokenizer*")) File.Delete(file);
        using var loaded = RewardModel.Load(saved2, ModelOptions.Float32);

        string message = Assert.Throws<BeearException>(() => loaded.RequireTokenizerOf(world.Model)).Message;

        Assert.Contains("have different vocabularies", message, StringComparison.Ordinal);
    }

    private string Shape(Action<JsonObject> change)
    {
        var config = OrganismFiles.Config();
        (config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["head_dim"]) = (32, 48, 2, 8);
        change(config);
        string shape = Path.Combine(folder, $"shape {Guid.NewGuid():N}");
        OrganismFiles.WriteTo(shape);
        File.WriteAllText(Path.Combine(shape, "config.json"), config.ToJsonString());
        return shape;
    }

    private string SavedReward()
    {
        using var world = new TinyRlhf();
        string saved = Path.Combine(folder, "saved reward");
        world.Reward.Save(saved);
        return saved;
    }

    private string SavedLanguageModel()
    {
        using var world = new TinyRlhf();
        string saved = Path.Combine(folder, "saved language model");
        world.Model.Save(saved);
        return saved;
    }

    private static JsonObject Config(string saved) => JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "config.json")))!.AsObject();

    private static string Refusal(string saved) =>
        Assert.Throws<BeearException>(() => RewardModel.Load(saved, ModelOptions.Float32)).Message;

    private static IReadOnlyList<TokenizedExample> Conversations() =>
        [new([5, 6, 7, 8], [9, 10]), new([11, 12], [13]), new([5, 6], []), new([14], [15, 16, 17])];

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
