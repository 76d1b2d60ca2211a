using System.Text.Json.Nodes;
using Beear.Checkpoints;

namespace Beear.Models;

/// <summary>
/// Hugging Face directories whose models classify whole sequences (…ForSequenceClassification): reward models are of this form, with one
/// label, the score.
/// </summary>
internal static class ClassifierConfig
{
    private const string Classifier = "ForSequenceClassification";

    /// <summary>Standard deviation of fresh heads where config.json does not say it, as in transformers.</summary>
    private const double UsualDeviation = 0.02;

    /// <summary>The config.json of a reward model that has the layers of another model.</summary>
    /// <param name="model">The other model's config.json.</param>
    /// <param name="padding">The token by which transformers finds a sequence's last real token: it skips those at the end.</param>
    public static JsonObject Of(JsonObject model, int padding)
    {
        var config = model.DeepClone().AsObject();
        config["architectures"] = new JsonArray(ModelFamilies.All[new ConfigKeys(config).Text("model_type")].ClassName + Classifier);
        config["id2label"] = new JsonObject { ["0"] = "LABEL_0" };
        config["label2id"] = new JsonObject { ["LABEL_0"] = 0 };
        config.Remove("num_labels");                                     // transformers counts the names
        config["pad_token_id"] = padding;
        return config;
    }

    /// <summary>Standard deviation of a fresh head of a model.</summary>
    /// <param name="config">Its config.json.</param>
    public static double Deviation(JsonObject config) => new ConfigKeys(config).PositiveOrNull("initializer_range") ?? UsualDeviation;

    /// <summary>Refuses a checkpoint that is no language model, but classifies.</summary>
    /// <exception cref="BeearException">It is one.</exception>
    public static void Refuse(Checkpoint checkpoint)
    {
        if (ClassOf(checkpoint) is { } name && name.EndsWith(Classifier, StringComparison.Ordinal))
            throw new BeearException($"'{checkpoint.Path}' is a reward model or another classifier ({name}), not a language "
                + "model; name the folder of one.");
    }

    /// <summary>The shapes of a checkpoint that is a reward model.</summary>
    /// <exception cref="BeearException">
    /// It is a language model, or a classifier of another kind or with another number of labels.
    /// </exception>
    public static ModelConfig RewardModel(Checkpoint checkpoint)
    {
        var config = ModelConfig.FromJson(checkpoint.Config) with { ScalarHead = true };
        string path = checkpoint.Path, name = ClassOf(checkpoint) ?? "no class is named";
        if (!checkpoint.Tensors.TryGetValue(config.Names.ScoreWeight, out var head))
        {
            throw new BeearException($"'{path}' is not a reward model ({name}): it has no tensor '{config.Names.ScoreWeight}'; " +
                $"name a folder of a …{Classifier} with one label, or train one from this model.");
        }
        if (ClassOf(checkpoint)?.EndsWith(Classifier, StringComparison.Ordinal) == false
            || checkpoint.Tensors.ContainsKey(config.Names.Score + ".bias"))
            throw new BeearException($"'{path}' is not a reward model ({name}); name a folder of a …{Classifier} with one label.");
        long labels = head.Shape[0];
        if (labels != 1) throw new BeearException($"'{path}' is a classifier with {labels} labels; a reward model has one, the score.");
        if (Labels(checkpoint.Config) is { } stated && stated != 1)
            throw new BeearException($"'{path}': config.json names {stated} labels, but '{config.Names.ScoreWeight}' is of one; "
                + "fetch the folder's files again.");
        return config;
    }

    private static string? ClassOf(Checkpoint checkpoint) =>
        checkpoint.Config["architectures"] is JsonArray { Count: > 0 } names && names[0] is JsonValue value
            && value.TryGetValue<string>(out var name) ? name : null;

    private static int? Labels(JsonObject config) => config["id2label"] is JsonObject names ? names.Count
        : config["num_labels"] is JsonValue value && value.TryGetValue<int>(out int count) ? count : null;
}
