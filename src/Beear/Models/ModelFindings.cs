using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Text;

namespace Beear.Models;

/// <summary>What is wrong or odd with a model's files, a sentence each. Only headers and small files are read, not the weights.</summary>
internal static class ModelFindings
{
    private const int MostOfAKind = 5;

    /// <summary>Looks at a checkpoint.</summary>
    /// <exception cref="BeearException">Its config.json is not understood.</exception>
    public static IReadOnlyList<string> Of(Checkpoint checkpoint) => Of(checkpoint, ModelConfig.Of(checkpoint), chat: null);

    /// <summary>Looks at a checkpoint whose config has been read, and its chat format perhaps too.</summary>
    internal static IReadOnlyList<string> Of(Checkpoint checkpoint, ModelConfig config, ChatFormat? chat) =>
        [.. Tensors(config, checkpoint), .. checkpoint.CheckChatFormat(config.VocabularySize, chat)];

    private static IEnumerable<string> Tensors(ModelConfig config, Checkpoint checkpoint)
    {
        var (embedding, head) = (config.Names.EmbeddingWeight, config.Names.HeadWeight);
        var expected = config.Tensors.ToDictionary(part => config.StoredName(part.Name, checkpoint));
        if (!config.TiedEmbeddings && ModelConfig.FromJson(checkpoint.Config).TiedEmbeddings)
            yield return $"{head} differs from {embedding}, though config.json ties them; both are used, as in transformers 5.";
        if (expected.ContainsKey(head) && !checkpoint.Tensors.ContainsKey(head))
        {
            yield return $"{head} is missing, and config.json does not tie the output head to the embeddings; " +
                "perhaps tie_word_embeddings should be true.";
        }
        var missing = expected.Keys.Where(name => name != head && !checkpoint.Tensors.ContainsKey(name));
        bool IsMisshapen(string name) =>
            checkpoint.Tensors.TryGetValue(name, out var stored) && !stored.Shape.SequenceEqual(expected[name].Shape);
        var misshapen = expected.Keys.Where(IsMisshapen).Select(name =>
            $"{name} has the shape {checkpoint.Tensors[name].ShapeText}, config.json asks for ({string.Join(", ", expected[name].Shape)})");
        var unused = checkpoint.Tensors.Keys.Where(name => name != head && !expected.ContainsKey(name));
        string[] told =
        [
            .. Few(missing, "is missing"), .. Few(misshapen, ""), .. Few(unused, "is not used by a model of this configuration"),
        ];
        foreach (var finding in told) yield return finding;
        if (StoredType(checkpoint) is { } stored && StatedType(checkpoint) is { } stated && stored != stated)
            yield return $"The weights are stored in {stored}, and config.json says {stated}.";
    }

    /// <summary>A sentence for each of a few, and one for all the rest.</summary>
    private static IEnumerable<string> Few(IEnumerable<string> subjects, string fault)
    {
        string[] all = [.. subjects.Order(StringComparer.Ordinal)];
        foreach (var subject in all.Take(MostOfAKind)) yield return $"{subject} {fault}".Trim() + ".";
        if (all.Length > MostOfAKind) yield return $"So it is with {all.Length - MostOfAKind} more tensors.";
    }

    private static string? StatedType(Checkpoint checkpoint)
    {
        var stated = checkpoint.Config["dtype"] ?? checkpoint.Config["torch_dtype"];
        return stated is JsonValue value && value.TryGetValue<string>(out var type) ? type : null;
    }

    /// <summary>The floating type that all weights are stored in; null where they are of several, or quantised.</summary>
    private static string? StoredType(Checkpoint checkpoint) =>
        checkpoint.Tensors.Values.Select(tensor => tensor.DType).Distinct().ToList() switch
        {
            ["F32"] => "float32",
            ["F16"] => "float16",
            ["BF16"] => "bfloat16",
            _ => null,
        };
}
