using System.Text.Json.Nodes;
using Beear.Text.Tokenization.Files;

namespace Beear.Text.Files;

/// <summary>A model's tokenizer.model, with what tokenizer_config.json says of it, as a tokenizer.json.</summary>
internal static class SentencePieceTokenizer
{
    /// <summary>Writes the tokenizer.json.</summary>
    /// <exception cref="BeearException">A file is damaged.</exception>
    public static JsonObject TokenizerJson(ModelFiles files)
    {
        string source = Path.Combine(files.Source, ModelFiles.SentencePiece);
        var config = files.Json(ModelFiles.TokenizerConfig);
        var model = SentencePieceFile.Read(files.Bytes(ModelFiles.SentencePiece), source);
        bool addBegin = Flag(config, "add_bos_token", otherwise: true), addEnd = Flag(config, "add_eos_token", otherwise: false);
        return SentencePieceJson.Write(model, addBegin, addEnd, Flag(config, "legacy", otherwise: true), source);
    }

    private static bool Flag(JsonObject? json, string key, bool otherwise) =>
        json?[key] is JsonValue value && value.TryGetValue(out bool flag) ? flag : otherwise;
}
