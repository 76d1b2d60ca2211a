using System.Text.Json;
using Beear.Runtime;
using Beear.Text.Tokenization.Decoders;
using Beear.Text.Tokenization.Models;
using Beear.Text.Tokenization.Normalizers;
using Beear.Text.Tokenization.PreTokenizers;

namespace Beear.Text.Tokenization.Files;

/// <summary>What tokenizer.json says, made into working parts.</summary>
/// <param name="Vocabulary">Tokens and ids.</param>
/// <param name="AddedTokens">Tokens that are found in the text before all else.</param>
/// <param name="Normalizer">Rewrites the text.</param>
/// <param name="PreTokenizer">Splits the text.</param>
/// <param name="Model">Turns pieces into ids.</param>
/// <param name="PostProcessor">Adds special tokens.</param>
/// <param name="Decoder">Makes the steps that turn tokens into text, before a last one.</param>
internal sealed record TokenizerParts(
    Vocabulary Vocabulary,
    IReadOnlyList<AddedToken> AddedTokens,
    INormalizer? Normalizer,
    IPreTokenizer? PreTokenizer,
    ITokenModel Model,
    IPostProcessor? PostProcessor,
    Func<DecoderStep, DecoderStep> Decoder);

/// <summary>
/// Reads tokenizer.json; each kind of part has one line in the reader of its sort, and a kind that has none is an error that names it.
/// </summary>
internal static class TokenizerFile
{
    /// <summary>Reads the file's content.</summary>
    /// <param name="utf8">The JSON text.</param>
    /// <param name="source">What to call it in errors.</param>
    /// <exception cref="BeearException">It is not a tokenizer.json, or asks for a kind of part that is not supported.</exception>
    public static TokenizerParts Read(ReadOnlyMemory<byte> utf8, string source)
    {
        var json = FileContent.Utf8(utf8, source);
        try
        {
            return ReadParts(StrictJson.Element(json));
        }
        catch (BeearException error)
        {
            throw new BeearException($"{source}: {error.Message}", error);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new BeearException($"{source} is not a tokenizer.json of the Hugging Face form: {error.Reason()}.", error);
        }
    }

    private static TokenizerParts ReadParts(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("model", out _))
            throw new FormatException("it has no model.");
        var root = new JsonPart(element, "tokenizer");
        // Callers cut and pad by themselves, as transformers does unless it is asked for more.
        root.Ignore("truncation", "padding");
        if (root.OptionalText("version") is { } version
            && version != "1.0") throw new BeearException($"The tokenizer's version \"{version}\" is not supported.");
        var (model, modelTokens) = ModelReader.Read(new JsonPart(root.Required("model"), "model"));
        AddedToken[] addedTokens = root.Optional("added_tokens") is null ? [] : [.. root.Parts("added_tokens").Select(ReadAddedToken)];
        var vocabulary = new Vocabulary(modelTokens, addedTokens);
        var patterns = new PatternReader();
        return root.Finish(new TokenizerParts(
            vocabulary,
            vocabulary.AddedTokens,
            root.Optional("normalizer") is { } normalizer ? NormalizerReader.Read(new JsonPart(normalizer, "normalizer"), patterns) : null,
            root.Optional("pre_tokenizer") is { } preTokenizer
                ? PreTokenizerReader.Read(new JsonPart(preTokenizer, "pre-tokenizer"), patterns) : null,
            model,
            root.Optional("post_processor") is { } postProcessor
                ? PostProcessorReader.Read(new JsonPart(postProcessor, "post-processor"), vocabulary) : null,
            root.Optional("decoder") is { } decoder
                ? DecoderReader.Read(new JsonPart(decoder, "decoder"), patterns) : DecoderReader.SpaceSeparated));
    }

    private static AddedToken ReadAddedToken(JsonPart token)
    {
        var added = new AddedToken(
            token.Required("id").TryGetInt32(out int id)
                ? id : throw new BeearException($"The id {token.Required("id")} of an added token is not supported."),
            token.Text("content"),
            token.Flag("single_word"),
            token.Flag("lstrip"),
            token.Flag("rstrip"),
            token.Flag("normalized"),
            token.Flag("special"));
        return token.Finish(added);
    }
}
