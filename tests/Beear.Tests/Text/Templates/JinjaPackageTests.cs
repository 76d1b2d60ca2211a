using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>Generated templates and conversations, rendered here and by npm's @huggingface/jinja.</summary>
public sealed class JinjaPackageTests
{
    private const int Cases = 800;

    /// <summary>Every case is rendered or refused on its own: cases in, an outcome for each out.</summary>
    private const string Script =
        """
        const { Template } = require("@huggingface/jinja");
        const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify(cases.map(({ template, context }) => {
          try { return { text: new Template(template).render(context) }; } catch (error) { return { error: String(error) }; }
        })));
        """;

    [Fact]
    public async Task Generated_templates_render_as_the_npm_package_renders_them()
    {
        Npm.Package("@huggingface/jinja", version: null);
        var cases = Enumerable.Range(0, Cases).Select(seed => new TemplateGrammar(seed))
            .Select(grammar => (Template: grammar.Template(), Context: grammar.Conversation())).ToList();
        var input = new JsonArray([.. cases.Select(item =>
            new JsonObject { ["template"] = item.Template, ["context"] = item.Context.DeepClone() })]);

        using var outcomes = JsonDocument.Parse(await Npm.RunAsync(Script, input.ToJsonString()));

        var differences = new List<string>();
        var rendered = 0;
        foreach (var (item, outcome) in cases.Zip(outcomes.RootElement.EnumerateArray()))
        {
            var expected = outcome.TryGetProperty("text", out var text)
                ? text.GetString()! : "error: " + outcome.GetProperty("error").GetString();
            var actual = Render(item.Template, item.Context);
            var bothRefuse = expected.StartsWith("error: ", StringComparison.Ordinal)
                && actual.StartsWith("error: ", StringComparison.Ordinal);
            if (!bothRefuse) rendered++;
            if (!bothRefuse && expected != actual) differences.Add(
                $"--- template\n{item.Template}\n--- context\n{item.Context.ToJsonString()}\n--- expected\n{expected}\n--- "
                    + $"actual\n{actual}");
        }
        Assert.True(differences.Count == 0,
            $"{differences.Count} of {Cases} differ, such as\n{differences.MinBy(difference => difference.Length)}");
        Assert.True(rendered > Cases * 9 / 10, $"only {rendered} of {Cases} are rendered at all");
    }

    private static string Render(string template, JsonObject context)
    {
        try
        {
            return new ChatTemplate(template)
                .Render(context.ToDictionary(pair => pair.Key, pair => (object?)pair.Value, StringComparer.Ordinal)).Text;
        }
        catch (BeearException failure)
        {
            return "error: " + failure.Message;
        }
    }
}
