using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// A decoder with a scalar head, which says how good a conversation is at its last token; as a critic, what is to be expected at any token.
/// On disk it is a Hugging Face directory of a …ForSequenceClassification with one label.
/// </summary>
internal sealed class RewardModel : IDisposable
{
    private readonly ModelFiles files;

    private RewardModel(Decoder decoder, ModelFiles files) => (Decoder, this.files) = (decoder, files);

    /// <summary>The layers and the scalar head.</summary>
    public Decoder Decoder { get; }

    /// <summary>Loads a directory; a tokenizer need not lie in it.</summary>
    /// <exception cref="BeearException">It is a language model, has another number of labels, or is missing or damaged.</exception>
    public static RewardModel Load(string path, ModelOptions options, CancellationToken cancellation = default)
    {
        TorchRuntime.Load();
        using var checkpoint = Checkpoint.Open(path);
        return new RewardModel(Decoder.Load(ClassifierConfig.RewardModel(checkpoint), checkpoint, options, cancellation), checkpoint.Files);
    }

    /// <summary>A copy of a language model's layers with a fresh head.</summary>
    /// <param name="model">The language model, whose tokenizer the reward model keeps.</param>
    /// <param name="seed">Seed of the head.</param>
    /// <param name="sharedLayers">Layers, counted from the embeddings, that stand still in both and are in memory once; 0 for none.</param>
    public static RewardModel From(LanguageModel model, int seed, int sharedLayers = 0)
    {
        var config = model.Files.Json(ModelFiles.Config)!;
        var decoder = model.Decoder.WithScalarHead(seed, ClassifierConfig.Deviation(config), sharedLayers);
        return new RewardModel(decoder, model.Files.With(ModelFiles.Config, ClassifierConfig.Of(config, PaddingOf(model, config))));
    }

    /// <summary>Another model with the same weights, such as a critic that begins as the reward model.</summary>
    /// <param name="sharedLayers">As for <see cref="From"/>.</param>
    public RewardModel Copy(int sharedLayers = 0) => new(Decoder.Copy(sharedLayers), files);

    /// <summary>The scores of conversations at their last tokens.</summary>
    /// <param name="batch">Conversations.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(B) float32.</returns>
    public Tensor Scores(TokenBatch batch, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var hidden = Decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds,
            packing: Decoder.Packing(batch, null, null),
            cancellation: cancellation);                                                                 // (B, T, d)
        return Scores(hidden, batch).MoveToOuterDisposeScope();
    }

    /// <summary>The scores of any number of conversations.</summary>
    /// <param name="conversations">The conversations.</param>
    /// <param name="together">How many are run in one pass.</param>
    /// <param name="cancellation">Stops between layers.</param>
    public IReadOnlyList<double> ScoresOf(IReadOnlyList<TokenizedExample> conversations, int together,
        CancellationToken cancellation = default)
    {
        using var guard = no_grad();
        var scores = new double[conversations.Count];
        foreach (int[] part in Enumerable.Range(0, scores.Length).OrderBy(i => conversations[i].Length).Chunk(together)
            .Divided(i => conversations[i].Length))
        {
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. part.Select(i => conversations[i])], Decoder.Options.Device);
            float[] found = Scores(batch, cancellation).cpu().data<float>().ToArray();
            foreach (var (i, score) in part.Zip(found)) scores[i] = score;
        }
        return scores;
    }

    /// <summary>The scores of conversations at their last tokens, from what the layers made of them.</summary>
    /// <param name="hidden">(B, T, d) float32: the residual stream after the last layer.</param>
    /// <param name="batch">The conversations.</param>
    /// <returns>(B) float32.</returns>
    public Tensor Scores(Tensor hidden, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        var last = batch.Examples.Select((example, b) => ((long)b * batch.Width) + batch.PromptWidth + example.Answer.Length - 1);
        var rows = hidden.flatten(0, 1).index_select(0, tensor(last.ToArray(), device: hidden.device));  // (B, d)
        return Decoder.Score(rows).MoveToOuterDisposeScope();
    }

    /// <summary>Refuses to judge the answers of a model whose token ids mean something else here.</summary>
    /// <param name="policy">The model that answers.</param>
    /// <exception cref="BeearException">
    /// Its tokenizer is another; where none lies with this model: its vocabulary is of another size.
    /// </exception>
    public void RequireTokenizerOf(LanguageModel policy)
    {
        string both = $"The reward model '{files.Source}' and the policy '{policy.Path}' have different";
        const string Advice = "take a reward model that was trained from this policy's base.";
        if (!ChatFormatFiles.HasTokenizer(files))
        {
            int own = Decoder.Config.VocabularySize, other = policy.Config.VocabularySize;
            if (own != other) throw new BeearException($"{both} vocabularies, of {own} and {other} tokens; {Advice}");
            return;
        }
        if (files.Bytes(ModelFiles.Tokenizer) is { } bytes && policy.Files.Bytes(ModelFiles.Tokenizer) is { } others
            && bytes.AsSpan().SequenceEqual(others)) return;
        var (mine, theirs) = (Tokenizer.FromJson(ChatFormatFiles.TokenizerJson(files), files.Source), policy.Chat.Tokenizer);
        for (int id = 0; id < Math.Max(mine.VocabularySize, theirs.VocabularySize); id++)
        {
            if (mine.TokenOf(id) != theirs.TokenOf(id))
                throw new BeearException($"{both} tokenizers: token {id} is '{mine.TokenOf(id)}' in one and '{theirs.TokenOf(id)}' in the "
                    + $"other; {Advice}");
        }
    }

    /// <summary>Writes the model as a Hugging Face directory with the tokenizer's files.</summary>
    /// <param name="directory">A directory that does not exist yet or is empty.</param>
    /// <param name="maxShardBytes">Weights beyond this size are split over several files.</param>
    /// <exception cref="BeearException">A weight is NaN or infinite.</exception>
    public void Save(string directory, long maxShardBytes = 5_000_000_000)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        Decoder.Weights.RequireFinite();
        CheckpointWriter.Write(directory, Decoder.Weights.Tensors(), files, maxShardBytes, isUntied: false);
    }

    /// <summary>
    /// A token for the padding of which transformers finds a sequence's end: the model's own, unless that ends turns, for then the last
    /// real token would be taken for padding; else another special one.
    /// </summary>
    private static int PaddingOf(LanguageModel model, JsonObject config)
    {
        var tokenizer = model.Chat.Tokenizer;
        var special = ChatFormatFiles.SpecialTokens(model.Files);
        int?[] candidates =
        [
            config["pad_token_id"] is JsonValue value && value.TryGetValue<int>(out int stated) ? stated : null,
            .. new[] { "pad_token", "unk_token", "bos_token" }.Select(key => special.GetValueOrDefault(key) is string token
                ? tokenizer.IdOf(token) : null),
            .. Enumerable.Range(0, model.Config.VocabularySize).Where(tokenizer.IsSpecial).Cast<int?>(),
        ];
        bool IsOfUse(int id) => id >= 0 && id < model.Config.VocabularySize && !model.Chat.EndOfTurn.Contains(id);
        return candidates.OfType<int>().Concat(Enumerable.Range(0, model.Config.VocabularySize)).First(IsOfUse);
    }

    /// <inheritdoc/>
    public void Dispose() => Decoder.Dispose();
}
