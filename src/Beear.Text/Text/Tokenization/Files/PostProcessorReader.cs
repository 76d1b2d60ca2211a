using System.Text.Json;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads post-processors.</summary>
internal static class PostProcessorReader
{
    /// <summary>Reads one; sequences with all that is in them.</summary>
    /// <exception cref="BeearException">
    /// It is damaged, names a token that the vocabulary lacks, or is of a kind that is not supported.
    /// </exception>
    public static IPostProcessor Read(JsonPart part, Vocabulary vocabulary)
    {
        string kind = part.Kind;
        part.Ignore("trim_offsets", "add_prefix_space", "use_regex"); // of offsets only
        return part.Finish<IPostProcessor>(kind switch
        {
            "Sequence" => new PostProcessorSequence([.. part.Parts("processors").Select(inner => Read(inner, vocabulary))]),
            "ByteLevel" => new PostProcessorSequence([]),
            "TemplateProcessing" => ReadTemplate(part, vocabulary),
            "BertProcessing" or "RobertaProcessing" =>
                new TemplatePostProcessor([ReadToken(part, "cls", vocabulary), null, ReadToken(part, "sep", vocabulary)]),
            _ => throw part.Unsupported(kind),
        });
    }

    private static TemplatePostProcessor ReadTemplate(JsonPart part, Vocabulary vocabulary)
    {
        part.Ignore("pair");
        var tokens = part.Optional("special_tokens");
        int[]?[] pieces = [.. part.Parts("single").Select(piece => ReadPiece(piece, tokens, vocabulary))];
        return pieces.Count(piece => piece is null) == 1
            ? new TemplatePostProcessor(pieces)
            : throw new BeearException("The post-processor's template for one text does not have the text once.");
    }

    private static int[]? ReadPiece(JsonPart piece, JsonElement? tokens, Vocabulary vocabulary)
    {
        if (piece.Optional("SpecialToken") is not { } token)
        {
            string sequence = new JsonPart(piece.Required("Sequence"), piece.What).Text("id");
            return sequence == "A" ? null : throw new BeearException(
                $"The post-processor's template for one text has a text \"{sequence}\".");
        }
        string name = new JsonPart(token, piece.What).Text("id");
        if (tokens is not { ValueKind: JsonValueKind.Object } || !tokens.Value.TryGetProperty(name, out var described))
            throw new BeearException($"The post-processor's token {name} is not among its \"special_tokens\".");
        int[] ids = [.. described.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        return Array.TrueForAll(ids, id => vocabulary.TokenOf(id) is not null) ? ids : throw Missing(name);
    }

    /// <summary>A token and its id: ["[CLS]", 101].</summary>
    private static int[] ReadToken(JsonPart part, string name, Vocabulary vocabulary)
    {
        var pair = part.Required(name);
        if (pair.ValueKind != JsonValueKind.Array
            || pair.GetArrayLength() != 2) throw new BeearException($"\"{name}\" of the {part.What} is not a token and its id.");
        int id = pair[1].GetInt32();
        return vocabulary.TokenOf(id) is not null ? [id] : throw Missing(pair[0].ToString());
    }

    private static BeearException Missing(string token) =>
        new($"The post-processor's token {token} has an id that the vocabulary does not have.");
}
