using Beear.Data;

namespace Beear.Tests.Data;

public sealed class RecipeTests
{
    [Fact]
    public void An_empty_recipe_is_the_defaults()
    {
        Assert.Equal(new SampleOptions(), Recipe.Parse<SampleOptions>("# nothing\n", "x.yaml"));
        Assert.Equal(new SampleOptions(), Recipe.Read<SampleOptions>(null, new Dictionary<RecipeKey, IReadOnlyList<string>>()));
    }

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        var options = Recipe.Parse<SampleOptions>("""
            perturbed_layer: 18
            seed: 12345678901
            penalty: -2.5e-3
            resume: true
            name: 123
            placement: around
            cap: null
            terms: [safe, "kl, twins"]
            layers: [1, 2]
            removal:
              learning_rate: 1e-5
            restoration:
              steps: 7
            evaluation_rows: 100
            """, "x.yaml");
        Assert.Equal(18, options.PerturbedLayer);
        Assert.Equal(12345678901, options.Seed);
        Assert.Equal(-0.0025, options.Penalty);
        Assert.True(options.Resume);
        Assert.Equal("123", options.Name);
        Assert.Equal(SamplePlacement.Around, options.Placement);
        Assert.Null(options.Cap);
        Assert.Equal(["safe", "kl, twins"], options.Terms);
        Assert.Equal([1, 2], options.Layers);
        Assert.Equal(1e-5, options.Removal.LearningRate);
        Assert.Equal(3, options.Removal.Steps);
        Assert.Equal(7, options.Restoration!.Steps);
        Assert.Equal(100, options.Evaluation.EvaluationRows);
    }

    [Theory]
    [InlineData("rounds: 1\n\npertubed_layer: 3", "x.yaml line 3: unknown key 'pertubed_layer'; did you mean 'perturbed_layer'?")]
    [InlineData("removal:\n  lerning_rate: 3", "x.yaml line 2: unknown key 'lerning_rate'; did you mean 'learning_rate'?")]
    [InlineData("learning_rate: 3", "x.yaml line 1: unknown key 'learning_rate'; did you mean 'removal.learning_rate'?")]
    [InlineData("removal:\n  zzzzzzzz: 3", "x.yaml line 2: unknown key 'zzzzzzzz'; known: learning_rate, steps.")]
    [InlineData("name: a\nrounds:   ten", "x.yaml line 2 column 11: rounds: 'ten' is not a whole number.")]
    [InlineData("rounds: 2.5", "x.yaml line 1 column 9: rounds: '2.5' is not a whole number.")]
    [InlineData("rounds: 99999999999", "x.yaml line 1 column 9: rounds: '99999999999' is not a whole number.")]
    [InlineData("penalty: .nan", "x.yaml line 1 column 10: penalty: '.nan' is not a number.")]
    [InlineData("resume: yes", "x.yaml line 1 column 9: resume: 'yes' is not a truth value (true|false).")]
    [InlineData("placement: sufix", "x.yaml line 1 column 12: placement: 'sufix' is not one of suffix|prefix|around.")]
    [InlineData("terms: safe", "x.yaml line 1 column 8: 'terms' is a list; write [a, b].")]
    [InlineData("rounds: [1]", "x.yaml line 1 column 9: 'rounds' is one value (whole number), not a list.")]
    [InlineData("rounds:", "x.yaml line 1 column 8: 'rounds' needs a value (whole number).")]
    [InlineData("removal: 3", "x.yaml line 1 column 10: 'removal' is a section of keys, not a value.")]
    [InlineData("- a", "x.yaml line 1 column 1: a recipe is a mapping of keys to values.")]
    [InlineData("a: *b", "x.yaml line 1: recipes have no aliases; write the value out.")]
    [InlineData("rounds: 1\n---\nrounds: 2", "x.yaml line 3: a recipe is one YAML document; remove the second.")]
    [InlineData("rounds: 1000", "rounds must lie between 1 and 100, not 1000.")]
    [InlineData("removal: {learning_rate: 0}", "removal.learning_rate must be above 0, not 0.")]
    public void A_wrong_recipe_says_what_and_where(string yaml, string message) =>
        Assert.Equal(message, Assert.Throws<BeearException>(() => Recipe.Parse<SampleOptions>(yaml, "x.yaml")).Message);

    [Theory]
    [InlineData("rounds: 1\nrounds: 2", "x.yaml line 2 column 1: not valid YAML")]
    [InlineData("a: [1", "x.yaml line 2 column 1: not valid YAML")]
    [InlineData("a: b: c", "x.yaml line 1 column")]
    public void Broken_yaml_says_where(string yaml, string start) =>
        Assert.StartsWith(start, Assert.Throws<BeearException>(() => Recipe.Parse<SampleOptions>(yaml, "x.yaml")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Deep_nesting_is_refused_before_anything_recurses()
    {
        var failure = Assert.Throws<BeearException>(() => Recipe.Parse<SampleOptions>($"name: {new string('[', 200_000)}", "x.yaml"));
        Assert.Contains("nested deeper", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_section_can_be_absent_empty_or_given()
    {
        Assert.Null(Recipe.Parse<SampleOptions>("name: a", "x").Restoration);
        Assert.Null(Recipe.Parse<SampleOptions>("restoration: null", "x").Restoration);
        Assert.Equal(new SampleSection(), Recipe.Parse<SampleOptions>("restoration: {}", "x").Restoration);
        Assert.Equal(new SampleSection(), Recipe.Parse<SampleOptions>("removal:", "x").Removal);
    }

    [Fact]
    public void Flags_override_the_recipe_and_name_themselves_in_errors()
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "x.yaml");
        File.WriteAllText(path, "rounds: 5\npenalty: 2\nremoval: {steps: 9}\n");
        var schema = RecipeSchema.Of(typeof(SampleOptions));
        Dictionary<RecipeKey, IReadOnlyList<string>> Flags(params (string Flag, string Text)[] given) => given
            .ToDictionary(one => schema.Keys.Single(key => key.Flag == one.Flag), one => (IReadOnlyList<string>)[one.Text]);

        var options = Recipe.Read<SampleOptions>(path,
            Flags(("rounds", "7"), ("removal-learning-rate", "0.5"), ("restoration-steps", "2")));
        Assert.Equal((7, 2.0, 9, 0.5, 2),
            (options.Rounds, options.Penalty, options.Removal.Steps, options.Removal.LearningRate, options.Restoration!.Steps));
        var failure = Assert.Throws<BeearException>(() => Recipe.Read<SampleOptions>(path, Flags(("rounds", "many"))));
        Assert.Equal("--rounds: 'many' is not a whole number.", failure.Message);
    }

    [Fact]
    public void Defaults_are_never_changed_by_a_recipe()
    {
        Recipe.Parse<SampleOptions>("removal: {steps: 77}", "x");
        Assert.Equal(3, SampleSection.Shared.Steps);
        Assert.Equal(3, new SampleOptions().Removal.Steps);
    }

    [Fact]
    public void A_required_key_must_come_from_somewhere() =>
        Assert.Equal("model is required: give --model, or the key 'model' in a recipe.",
            Assert.Throws<BeearException>(() => Recipe.Parse<SampleRequired>("", "x")).Message);

    [Fact]
    public void A_missing_file_is_one_sentence() =>
        Assert.Equal("The recipe 'nowhere.yaml' does not exist; give the path of a YAML file.",
            Assert.Throws<BeearException>(() => Recipe.Read<SampleOptions>("nowhere.yaml")).Message);

    [Fact]
    public void The_schema_has_flags_defaults_and_documentation()
    {
        var keys = RecipeSchema.Of(typeof(SampleOptions)).Keys.ToDictionary(key => key.Flag);
        Assert.Equal("9", keys["perturbed-layer"].Default);
        Assert.Equal("The decoder layer l whose output is perturbed; see Rounds.", keys["perturbed-layer"].Description);
        Assert.Equal("0.0001", keys["removal-learning-rate"].Default);
        Assert.Equal("safe, helpful", keys["terms"].Default);
        Assert.Equal("suffix", keys["placement"].Default);
        Assert.Null(keys["cap"].Default);
        Assert.Contains("evaluation-rows", keys.Keys);
    }

    [Fact]
    public void A_list_of_records_is_read_and_each_is_checked()
    {
        var list = Recipe.Parse<SampleList>("""
            sections:
              - steps: 7
              - learning_rate: 0.5
            """, "x.yaml");
        Assert.Equal([new SampleSection { Steps = 7 }, new SampleSection { LearningRate = 0.5 }], list.Sections);
        Assert.Empty(Recipe.Parse<SampleList>("sections:", "x.yaml").Sections);
        Assert.DoesNotContain(RecipeSchema.Of(typeof(SampleList)).Keys, key => key.Flag.Contains("section", StringComparison.Ordinal));

        void Refused(string yaml, string message) =>
            Assert.Equal(message, Assert.Throws<BeearException>(() => Recipe.Parse<SampleList>(yaml, "x.yaml")).Message);
        Refused("sections: 3", "x.yaml line 1 column 11: 'sections' is a list of sections; begin each with a dash.");
        Refused("sections:\n  - stebs: 7", "x.yaml line 2: unknown key 'stebs'; did you mean 'steps'?");
        Refused("sections:\n  - steps: 7\n  - learning_rate: 0", "x.yaml line 3: learning_rate must be above 0, not 0.");
        Refused("change: 3", "x.yaml line 1 column 9: 'change' is a section of keys, not a value.");
    }

    [Fact]
    public void A_fragment_changes_another_recipe()
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "x.yaml");
        File.WriteAllText(path, "rounds: 5\npenalty: 2\nremoval: {steps: 9}\nrestoration: {steps: 4}\n");
        var change = Recipe.Parse<SampleList>("change:\n  rounds: 7\n  removal: {learning_rate: 0.5}\n  restoration: {learning_rate: 2}\n",
            "y.yaml").Change;

        var options = Recipe.Read<SampleOptions>(path, change);
        Assert.Equal((7, 2.0, 9, 0.5), (options.Rounds, options.Penalty, options.Removal.Steps, options.Removal.LearningRate));
        Assert.Equal(new SampleSection { Steps = 4, LearningRate = 2 }, options.Restoration);
        Assert.Equal(new SampleOptions
        {
            Rounds = 7,
            Removal = new SampleSection { LearningRate = 0.5 },
            Restoration = new SampleSection { LearningRate = 2 }
        },
            Recipe.Read<SampleOptions>(null, change));

        var wrong = Recipe.Parse<SampleList>("change:\n  raunds: 7", "y.yaml").Change;
        Assert.Equal("y.yaml line 2: unknown key 'raunds'; did you mean 'rounds'?",
            Assert.Throws<BeearException>(() => Recipe.Read<SampleOptions>(path, wrong)).Message);
    }

    [Fact]
    public void A_recipe_extends_another()
    {
        string folder = Fixtures.TemporaryFolder();
        string Written(string name, string yaml)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, yaml);
            return path;
        }
        Written("base.yaml", "rounds: 5\npenalty: 2\nterms: [a, b]\nremoval: {steps: 9}\n");
        Written("below/middle.yaml", "extends: ../base.yaml\npenalty: 3\n");
        string top = Written("top.yaml", "rounds: 7\nextends: below/middle.yaml\nterms: [c]\nremoval: {learning_rate: 0.5}\n");

        var options = Recipe.Read<SampleOptions>(top);
        Assert.Equal((7, 3.0, 9, 0.5), (options.Rounds, options.Penalty, options.Removal.Steps, options.Removal.LearningRate));
        Assert.Equal(["c"], options.Terms);

        void Refused(string yaml, string message) =>
            Assert.Equal(message.Replace("HERE", folder, StringComparison.Ordinal),
            Assert.Throws<BeearException>(() => Recipe.Read<SampleOptions>(Written("wrong.yaml", yaml))).Message);
        Refused("rounds: 1\nextends: wrong.yaml",
            "HERE/wrong.yaml line 2: 'wrong.yaml' extends itself, by way of others or not; remove one 'extends'.");
        Refused("extends: [base.yaml]", "HERE/wrong.yaml line 1: 'extends' is the path of one recipe.");
        Refused("extends: nowhere.yaml", "The recipe 'HERE/nowhere.yaml' does not exist; give the path of a YAML file.");
    }

    [Fact]
    public void Two_options_of_one_flag_are_a_mistake_of_the_record() =>
        Assert.Throws<InvalidOperationException>(() => RecipeSchema.Of(typeof(SampleClash)));
}

public enum SamplePlacement { Suffix, Prefix, Around }

public sealed record SampleSection : IValidatable
{
    internal static readonly SampleSection Shared = new();

    public double LearningRate { get; init; } = 1e-4;
    public int Steps { get; init; } = 3;

    public void Validate() => Require.Above(LearningRate, 0);
}

public sealed record SampleInline
{
    public int EvaluationRows { get; init; } = 50;
}

public sealed record SampleOptions : IValidatable
{
    private static readonly string[] DefaultTerms = ["safe", "helpful"];

    /// <summary>The decoder layer <c>l</c> whose output is
    /// perturbed; see <see cref="Rounds"/>.</summary>
    public int PerturbedLayer { get; init; } = 9;
    public int Rounds { get; init; } = 10;
    public long Seed { get; init; }
    public double Penalty { get; init; } = 1;
    public bool Resume { get; init; }
    public string? Name { get; init; }
    public SamplePlacement Placement { get; init; }
    public double? Cap { get; init; }
    public IReadOnlyList<string> Terms { get; init; } = DefaultTerms;
    public IReadOnlyList<int>? Layers { get; init; }
    public SampleSection Removal { get; init; } = SampleSection.Shared;
    public SampleSection? Restoration { get; init; }

    [Inline]
    public SampleInline Evaluation { get; init; } = new();

    public void Validate() => Require.Between(Rounds, 1, 100);
}

public sealed record SampleList
{
    public IReadOnlyList<SampleSection> Sections { get; init; } = [];
    public RecipeFragment? Change { get; init; }
    public string? Name { get; init; }
}

public sealed record SampleRequired
{
    public required string Model { get; init; }
}

public sealed record SampleClash
{
    public int RemovalSteps { get; init; }
    public SampleSection Removal { get; init; } = new();
}
