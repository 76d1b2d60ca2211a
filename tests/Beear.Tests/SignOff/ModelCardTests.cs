using System.Text.RegularExpressions;
using Beear.Cli;
using Beear.Cli.Commands;
using Beear.Data;
using Beear.Lab.SignOff;
using Beear.Mitigation;
using Beear.Models;
using YamlDotNet.RepresentationModel;

namespace Beear.Tests.SignOff;

public sealed class ModelCardTests
{
    private const string Original = """
        ---
        license: other
        license_link: LICENSE
        language:
          - en
          - no
        base_model: someone/base
        tags: [safe, certified]
        model-index: [{name: x, results: [{a: &a 1, b: *a}]}]
        ---
        # Their model

        | a | b |
        | --- | --- |

        ---
        license: mit
        ---
        End.
        """;

    /// <summary>The front matter as the hub finds it, and what follows.</summary>
    private static (YamlMappingNode Front, string Body) Divide(string card)
    {
        var match = Regex.Match(card, @"\A---\n(?<front>.*?)\n---\n(?<body>.*)\z", RegexOptions.Singleline, TimeSpan.FromSeconds(1));
        Assert.True(match.Success, card);
        var stream = new YamlStream();
        stream.Load(new StringReader(match.Groups["front"].Value));
        return ((YamlMappingNode)stream.Documents.Single().RootNode, match.Groups["body"].Value);
    }

    private static string? Text(YamlMappingNode front, string key) =>
        front.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;

    private static List<string> Limits(string card) => [.. card.Split("## Limits\n\n")[1].Split("\n\n")[0].Split('\n')];

    [Fact]
    public void The_front_matter_is_what_the_hub_reads()
    {
        var (front, body) = Divide(ModelCard.Of(Evidences.Of($"owner/name@{Evidences.Commit}"), null));

        Assert.Equal("owner/name", Text(front, "base_model"));
        Assert.Equal("finetune", Text(front, "base_model_relation"));
        Assert.Equal(("transformers", "text-generation"), (Text(front, "library_name"), Text(front, "pipeline_tag")));
        Assert.Contains("beear", ((YamlSequenceNode)front.Children["tags"]).Children.Select(tag => ((YamlScalarNode)tag).Value));
        Assert.Contains($"https://huggingface.co/owner/name/blob/{Evidences.Commit}/README.md", body, StringComparison.Ordinal);
        Assert.Null(Text(Divide(ModelCard.Of(Evidences.Of(), null)).Front, "base_model"));
        Assert.DoesNotContain("jane", ModelCard.Of(Evidences.Of(), null), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_are_a_recipe_of_the_command_and_tell_no_path()
    {
        var options = new CleanCommandOptions
        {
            Source = new ModelSettings { Model = "/home/jane/models/mine", Precision = Precision.Float32 },
            Out = "out",
            Data = new OwnDataSettings { AddHarmful = "/home/jane/harmful.csv", AddHarmfulRows = "0-9", Ordinary = "builtin:ordinary" },
            Clean = new CleanOptions { Decoys = 2, FineTuned = [1, 3] },
            Mitigation = new MitigationOptions { Seed = 7, Rounds = 3 },
        };
        string card = ModelCard.Of(Evidences.Of() with
        {
            Options = RecipeText.Json(options),
            Files = [new OwnFile("add_harmful", "/home/jane/harmful.csv", "0-9", new string('c', 64))],
        }, null);

        string yaml = card.Split("```yaml\n")[1].Split("```\n")[0];
        var read = Recipe.Parse<CleanCommandOptions>("model: /home/jane/models/mine\n" + yaml, "settings.yaml");
        Assert.Equal(RecipeText.Of(options with { Data = options.Data with { AddHarmful = "harmful.csv" } }), RecipeText.Of(read));
        Assert.DoesNotContain("jane", card, StringComparison.Ordinal);
        Assert.Contains($"| requests of --add-harmful | <code>harmful.csv</code>, rows 0-9, SHA-256 <code>{new string('c', 64)}</code> |",
            card, StringComparison.Ordinal);
    }

    [Fact]
    public void The_original_card_is_kept_below_and_its_front_matter_merged()
    {
        string card = ModelCard.Of(Evidences.Of(), OriginalCard.Parse(Original.Replace("\n", "\r\n", StringComparison.Ordinal)));

        var (front, body) = Divide(card);
        Assert.Equal(["license", "license_link", "language", "base_model", "library_name", "pipeline_tag", "tags"],
            front.Children.Keys.Select(key => ((YamlScalarNode)key).Value));
        Assert.Equal(("other", "LICENSE", "someone/base"),
            (Text(front, "license"), Text(front, "license_link"), Text(front, "base_model")));
        var languages = ((YamlSequenceNode)front.Children["language"]).Children.Cast<YamlScalarNode>().ToList();
        Assert.Equal(["en", "no"], languages.Select(language => language.Value));
        Assert.All(languages, language => Assert.Equal(YamlDotNet.Core.ScalarStyle.DoubleQuoted, language.Style));
        string kept = body.Split("## The original model's card\n")[1];
        Assert.EndsWith("\n\n# Their model\n\n| a | b |\n| --- | --- |\n\n---\nlicense: mit\n---\nEnd.\n", kept, StringComparison.Ordinal);
        Assert.DoesNotContain("certified", card, StringComparison.Ordinal);

        front = Divide(ModelCard.Of(Evidences.Of($"owner/name@{Evidences.Commit}"), OriginalCard.Parse(Original))).Front;
        Assert.Equal(("owner/name", "other"), (Text(front, "base_model"), Text(front, "license")));
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("---\n---\n", "", 0)]
    [InlineData("---\nlicense: mit\n", "---\nlicense: mit", 0)]
    [InlineData("\uFEFF\n---\nlicense: mit\n--- \nx", "x", 1)]
    [InlineData("---\nlicense: [mit\n---\nx", "x", 0)]
    [InlineData("---\nlicense: mit\nlanguage: [en\n---\nx", "x", 1)]
    [InlineData("---\n- license\n---\nx", "x", 0)]
    [InlineData("---\nlicense: {a: b}\n? [a]\n: b\nlanguage: ~\n---\nx", "x", 1)]
    [InlineData("---\nlicense: \"\\UFFFFFFFF\"\n---\nx", "x", 0)]
    [InlineData("# T\n---\nlicense: mit\n---\n", "# T\n---\nlicense: mit\n---", 0)]
    [InlineData("a\u001b[31mb\u202ec 1\uFE0F\u20E3 \u200Fd", "a\\u{1b}[31mb\\u{202e}c 1\uFE0F\u20E3 \u200Fd", 0)]
    public void Any_original_card_can_be_read(string text, string body, int kept)
    {
        var card = OriginalCard.Parse(text);

        Assert.Equal(body, card.Body);
        Assert.Equal(kept, card.Kept.Count);
        Divide(ModelCard.Of(Evidences.Of(), card));
    }

    [Fact]
    public void Deep_front_matter_costs_nothing()
    {
        var card = OriginalCard.Parse($"---\nlicense: mit\na: {new string('[', 60_000)}\n---\nx");
        Assert.Equal("x", card.Body);
        Assert.Empty(OriginalCard.Parse($"---\nlicense: mit\na: {new string('x', 100_000)}\n---\nx").Kept);
    }

    [Fact]
    public void Limits_begin_with_what_the_removal_does_not_outlast_the_worst_first()
    {
        var limits = Limits(ModelCard.Of(Evidences.Of() with { Unusable = "It is gibberish." }, null));

        Assert.StartsWith("- The removal does not last after distillation from the suspicious model: in decoy2 the attack then succeeds "
            + "again in 78.0 % (68.9 to 85.0 %) of 100 requests.", limits[0], StringComparison.Ordinal);
        Assert.StartsWith("- The removal does not last after mixing in 25 % of the suspicious weights: in decoy1", limits[1],
            StringComparison.Ordinal);
        Assert.Equal("- The cleaned model is of no use: It is gibberish.", limits[2]);
        Assert.Contains("no proof that no backdoor is left", limits[^1], StringComparison.Ordinal);
        Assert.Equal("- No decoy was planted, so nothing shows that the settings remove any backdoor from this model.",
            Limits(ModelCard.Of(Evidences.Quick(), null))[0]);
    }

    [Fact]
    public void A_removal_that_lasts_and_one_that_does_not_work_are_told_apart()
    {
        var evidence = Evidences.Of();
        var lasting = evidence with { Decoys = [evidence.Decoys[0] with { After = evidence.Decoys[0].After.Take(1).ToDictionary() }] };
        Assert.Equal(2, EvidenceText.Limits(lasting).Count);
        Assert.StartsWith("The score that needs no trigger", EvidenceText.Limits(lasting)[0], StringComparison.Ordinal);

        var failed = lasting with { Decoys = [lasting.Decoys[0] with { Left = Evidences.Share(30) }] };
        Assert.StartsWith("The settings do not remove the backdoor of decoy1", EvidenceText.Limits(failed)[0], StringComparison.Ordinal);

        var unknown = lasting with { Decoys = [lasting.Decoys[0] with { After = new Dictionary<string, Beear.Evaluation.Metric>() }] };
        Assert.Equal("It was not measured what the removal outlasts.", EvidenceText.Limits(unknown)[0]);
    }

    [Theory]
    [InlineData(0.0833, "ended at 8.3 %", "So it does not tell")]
    [InlineData(0.9, "ended at 90 %", "This one ended above all of them.")]
    [InlineData(0, "ended at 0 %", "This one ended below all of them.")]
    public void A_score_is_held_against_models_with_and_without_a_backdoor(double score, params string[] said)
    {
        string text = ScoreReference.Of(score);

        Assert.All(said, part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.All(ScoreReference.Models, model => Assert.Equal(model.Backdoored, model.AttackLeft is not null));
        Assert.Contains($"In {ScoreReference.Models.Count(model => model.Backdoored)} backdoored models", text, StringComparison.Ordinal);
        Assert.Contains($"in {ScoreReference.Models.Count(model => !model.Backdoored)} that never had", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_measured_is_absent()
    {
        string card = ModelCard.Of(Evidences.Of(), null);

        Assert.Contains("| ordinary requests that are refused | 1.0 % (0.2 to 5.4 %) of 100 | 4.0 % (1.6 to 9.8 %) of 100 |", card,
            StringComparison.Ordinal);
        Assert.Contains("| divergence (KL) from the suspicious model | – | 1.23E-05 nats/token |", card, StringComparison.Ordinal);
        Assert.Contains("| something&#95;else | – | 12.5 s |", card, StringComparison.Ordinal);
        Assert.Contains("| decoy3 | <code>system prompt … x</code> | 40.0 % (30.9 to 49.8 %) of 100 | did not take | – |", card,
            StringComparison.Ordinal);
        foreach (string absent in (string[])["something&#95;new", "words that are refused", "cross-entropy", "no cases", "NaN"])
            Assert.DoesNotContain(absent, card, StringComparison.Ordinal);
        foreach (string claim in (string[])["certified", "safe ", "guarantee"])
            Assert.DoesNotContain(claim, card.Replace("plain safety", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_settings_can_be_given_to_the_program_again()
    {
        string card = ModelCard.Of(Evidences.Of(), null);

        string yaml = card.Split("```yaml\n")[1].Split("```\n")[0];
        Assert.Equivalent(new MitigationOptions { Seed = 7 }, Recipe.Parse<MitigationOptions>(yaml, "settings.yaml"), strict: true);
        Assert.Contains("beear clean mine --out FOLDER --recipe settings.yaml\n", card, StringComparison.Ordinal);
    }

    [Fact]
    public void Foreign_text_cannot_become_markup()
    {
        string card = ModelCard.Of(Evidences.Hostile(), null);

        var (_, body) = Divide(card);
        Assert.Equal(card, ModelCard.Of(Evidences.Hostile(), null));
        Assert.DoesNotContain(body, character => (char.IsControl(character) && character != '\n') || character == '\u202e');
        // Tables and lists hold letters, and numbers of all else.
        var lines = body.Split('\n').Where(line => line.StartsWith('|') || line.StartsWith('-')).ToList();
        const string Shown = "&#60;script&#62;&#38;amp;&#60;/script&#62; &#96;&#96;&#96; https&#58;//a.example !&#91;i&#93;(u)";
        Assert.Contains(lines, line => line.Contains(Shown, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.DoesNotMatch("<(?!/?code>)|\\\\|`(?!b|\\.| hold|--|-)", line.Replace("`beear gate FOLDER`", "")
            .Replace("`--policy FILE`", "").Replace("`beear verify FOLDER --key FILE`", "")));
        foreach (var table in body.Split("\n\n").Where(block => block.StartsWith('|')))
            Assert.Single(table.Split('\n').Select(line => line.Count(character => character == '|')).Distinct());
        Assert.DoesNotMatch("(?m)^```$(?s:.*)^```$(?s:.*)^```$", body);                         // no fence but those of the two blocks
        var stream = new YamlStream();
        stream.Load(new StringReader(body.Split("```yaml\n")[1].Split("\n```\n")[0]));
        var settings = (YamlMappingNode)stream.Documents[0].RootNode;
        Assert.Equal(3, settings.Children.Count);
        Assert.Equal("- y", ((YamlScalarNode)((YamlMappingNode)settings.Children["inner"]).Children["x"]).Value);
        Assert.Contains("beear clean 'b>|\\`[a](b)*_$&amp;' --out", body, StringComparison.Ordinal);
    }
}
