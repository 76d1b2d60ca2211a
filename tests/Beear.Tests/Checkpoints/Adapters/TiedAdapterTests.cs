using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Runtime;
using static Beear.Tests.Checkpoints.Adapters.AdapterFixture;

namespace Beear.Tests.Checkpoints.Adapters;

/// <summary>Adapters of embeddings and heads: what becomes of a model that has one weight for both.</summary>
public class TiedAdapterTests
{
    private const string EmbeddingWeight = $"{Embedding}.weight", HeadWeight = $"{Head}.weight";

    public TiedAdapterTests() => TorchRuntime.Load();

    private static AdapterFixture Both(string more = "") => new AdapterFixture(isTied: true).AdaptQueries().Set("target_modules", $"""["q_proj"{more}]""");

    private static float[] Flat(Array values) => [.. values.Cast<float>()];

    private static void Untied(Checkpoint checkpoint)
    {
        Assert.False((bool)checkpoint.Config["tie_word_embeddings"]!);
        Assert.False((bool)JsonNode.Parse(checkpoint.Files.Bytes("config.json")!)!["tie_word_embeddings"]!);
    }

    private static void Tied(Checkpoint checkpoint)
    {
        Assert.True((bool)checkpoint.Config["tie_word_embeddings"]!);
        Assert.False(checkpoint.Tensors.ContainsKey(HeadWeight));
    }

    [Fact]
    public void An_adapter_that_leaves_both_alone_leaves_them_tied()
    {
        var made = Both();
        using var checkpoint = made.Open();
        Tied(checkpoint);
        Assert.Equal(File.ReadAllBytes(Path.Combine(made.Base, "config.json")), checkpoint.Files.Bytes("config.json"));
    }

    [Fact]
    public void Adapted_embeddings_leave_the_head_as_it_was()
    {
        var made = Both(", \"embed_tokens\"").AdaptEmbedding();
        using var checkpoint = made.Open();
        Untied(checkpoint);
        Close(made.Expected(Embedding, 1.5), Read(checkpoint, EmbeddingWeight));
        Assert.Equal(Flat(made.Weights[EmbeddingWeight]), Read(checkpoint, HeadWeight));
    }

    [Fact]
    public void An_adapted_head_leaves_the_embeddings_as_they_were()
    {
        var made = Both(", \"lm_head\"").Adapt(Head);
        made.Adapter[$"{Head}.base_layer.weight"] = made.Weights[EmbeddingWeight];         // as save_embedding_layers does
        using var checkpoint = made.Open();
        Untied(checkpoint);
        Assert.Equal(Flat(made.Weights[EmbeddingWeight]), Read(checkpoint, EmbeddingWeight));
        Close(made.Expected(Head, 1.5), Read(checkpoint, HeadWeight));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Weight_tying_that_was_ensured_keeps_them_one(bool isHeadWritten)
    {
        var made = Both(", \"model.embed_tokens\"").AdaptEmbedding().Set("ensure_weight_tying", "true");
        if (isHeadWritten) made.Adapt(Head);
        using var checkpoint = made.Open();
        Tied(checkpoint);
        Close(made.Expected(Embedding, 1.5), Read(checkpoint, EmbeddingWeight));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public void Saved_modules_are_each_by_itself(bool savesEmbedding, bool savesHead, bool areEqual)
    {
        string[] saved = [.. savesEmbedding ? ["embed_tokens"] : Array.Empty<string>(), .. savesHead ? [Head] : Array.Empty<string>()];
        var made = Both().Set("modules_to_save", $"[{string.Join(", ", saved.Select(name => $"\"{name}\""))}]");
        var values = made.Draw(Tokens, Width);
        if (savesEmbedding) made.Adapter[EmbeddingWeight] = values;
        if (savesHead) made.Adapter[HeadWeight] = areEqual ? values : made.Draw(Tokens, Width);
        using var checkpoint = made.Open();

        Assert.Equal(Flat(made.Adapter.GetValueOrDefault(EmbeddingWeight) ?? made.Weights[EmbeddingWeight]),
            Read(checkpoint, EmbeddingWeight));
        if (areEqual)
        {
            Tied(checkpoint);
            return;
        }
        Untied(checkpoint);
        Assert.Equal(Flat(made.Adapter.GetValueOrDefault(HeadWeight) ?? made.Weights[EmbeddingWeight]), Read(checkpoint, HeadWeight));
    }

    [Fact]
    public void Embeddings_that_are_saved_without_having_been_trained_are_the_heads_too()
    {
        var made = Both();
        made.Adapter[EmbeddingWeight] = made.Draw(Tokens, Width);
        using var checkpoint = made.Open();
        Tied(checkpoint);
        Assert.Equal(Flat(made.Adapter[EmbeddingWeight]), Read(checkpoint, EmbeddingWeight));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void More_tokens_come_with_their_vocabulary(bool isTied)
    {
        var made = new AdapterFixture(isTied).AdaptQueries();
        var values = made.Draw(Tokens + 2, Width);
        made.Adapter[EmbeddingWeight] = values;
        made.Adapter[HeadWeight] = isTied ? values : made.Draw(Tokens + 2, Width);
        using var checkpoint = made.Open();
        Assert.Equal(Tokens + 2, (int)checkpoint.Config["vocab_size"]!);
        Assert.Equal([Tokens + 2, Width], checkpoint.Tensors[EmbeddingWeight].Shape);
        if (isTied) Tied(checkpoint);
        else Untied(checkpoint);
    }

    [Fact]
    public void More_tokens_can_be_adapted_too()
    {
        var made = new AdapterFixture().AdaptQueries().AdaptEmbedding(Tokens + 2).Set("target_modules", """["q_proj", "embed_tokens"]""");
        made.Adapter[$"{Embedding}.base_layer.weight"] = made.Draw(Tokens + 2, Width);
        using var checkpoint = made.Open();
        Close(made.Expected(Embedding, 1.5), Read(checkpoint, EmbeddingWeight));
        Assert.Equal(Tokens + 2, (int)checkpoint.Config["vocab_size"]!);
    }
}
