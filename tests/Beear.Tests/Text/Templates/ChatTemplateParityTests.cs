using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>Conversations that transformers has laid out, or refused to.</summary>
public sealed partial class ChatTemplateParityTests
{
    private const string NoFile = "(no reference files)";

    public static TheoryData<string> Names
    {
        get
        {
            var path = Path.Combine(Fixtures.ParityFolder, "text", "chats.json");
            if (!File.Exists(path)) return [NoFile];
            using var chats = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. chats.RootElement.GetProperty("templates").EnumerateObject().Select(template => template.Name)];
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Renders_every_row_as_transformers_does(string name)
    {
        using var chats = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Parity("text", "chats.json")));
        var template = new ChatTemplate(Source(chats.RootElement.GetProperty("templates").GetProperty(name).GetString()!));
        var rows = chats.RootElement.GetProperty("rows").EnumerateArray()
            .Where(row => row.GetProperty("template").GetString() == name).ToList();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var context = Context(row);
            if (row.TryGetProperty("error", out var error))
                Assert.EndsWith(error.GetString()!, Assert.Throws<BeearException>(() => template.Render(context)).Message,
                    StringComparison.Ordinal);
            else
                Assert.Equal(row.GetProperty("rendered").GetString(), template.Render(context).Text);
        }
    }

    /// <summary>Everything in a row but its template and its outcome is a variable.</summary>
    private static Dictionary<string, object?> Context(JsonElement row) =>
        row.EnumerateObject().Where(field => field.Name is not ("template" or "variables" or "rendered" or "error"))
            .Concat(row.GetProperty("variables").EnumerateObject())
            .ToDictionary(field => field.Name, field => (object?)field.Value, StringComparer.Ordinal);

    /// <summary>The template itself, or the one in the file of the npm package that the text names.</summary>
    private static string Source(string text)
    {
        if (InPackage().Match(text) is not { Success: true } found) return text;
        var file = Npm.Package(found.Groups["package"].Value, found.Groups["version"].Value, "models", found.Groups["file"].Value);
        using var config = JsonDocument.Parse(File.ReadAllBytes(file));
        return config.RootElement.GetProperty(found.Groups["key"].Value).GetString()!;
    }

    [GeneratedRegex(@"^(?<key>\w+) of (?<file>[\w.]+) in npm (?<package>\S+) (?<version>\S+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InPackage();
}
