using Beear.Cli;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.World;
using Beear.Mitigation;
using YamlDotNet.RepresentationModel;

namespace Beear.Tests.Data;

/// <summary>Options out of range are named as a recipe writes them: by the path of their sections, each once.</summary>
public sealed class OptionRangesTests
{
    /// <summary>Every options record of the product that can be made from nothing.</summary>
    public static TheoryData<Type> Records =>
    [
        .. from library in new[] { typeof(MitigationOptions), typeof(CalibrationOptions), typeof(CommandContext) }
           from type in library.Assembly.GetTypes()
           where type.IsAssignableTo(typeof(IValidatable)) && type is { IsInterface: false, IsGenericType: false } && IsMade(type)
           select type,
    ];

    [Theory, MemberData(nameof(Records))]
    public void An_option_out_of_range_is_named_by_its_path(Type record)
    {
        var numbers = RecipeSchema.Of(record).Keys.Where(key => key.ElementType == typeof(int) || key.ElementType == typeof(double));

        var unnamed = from key in numbers
                      let message = Refusal(record, key)
                      where message is not null && (!IsNamed(message, key) || IsDoubled(message, key.Path))
                      select $"{key.Path}: {message}";

        Assert.Empty(unnamed);
    }

    [Fact]
    public void A_section_within_a_section_is_named_once()
    {
        var failure = Assert.Throws<BeearException>(() => Recipe.Parse<MitigationOptions>("random_strings: { count: 0 }", "x.yaml"));

        Assert.EndsWith("random_strings.count must be at least 1, not 0.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, failure.Message.Split("random_strings").Length - 1);
    }

    [Fact]
    public void A_sentence_on_a_whole_section_stays_a_sentence()
    {
        const string Yaml = "mitigation: { terms: { safe_perturbed: 0, safe: 0, ordinary_divergence: 0, twin_divergence: 0, "
            + "twin_divergence_perturbed: 0, harmful_divergence: 0 } }";
        var failure = Assert.Throws<BeearException>(() => Recipe.Parse<DemonstrationOptions>(Yaml, "x.yaml"));

        Assert.EndsWith("mitigation.terms: The outer level has no terms; give at least one term a weight above 0.", failure.Message,
            StringComparison.Ordinal);
    }

    /// <summary>What is said of -1; null where it is in range.</summary>
    private static string? Refusal(Type record, RecipeKey key)
    {
        string[] sections = key.Path.Split('.');
        string value = key.IsList ? "[-1]" : "-1";
        string yaml = string.Concat(sections.Select(name => $"{{ {name}: ")) + value + string.Concat(sections.Select(_ => " }"));
        try
        {
            Recipe.Element(record, Node(yaml), "x.yaml");
            return null;
        }
        catch (BeearException failure)
        {
            return failure.Message;
        }
    }

    /// <summary>By its path, by its flag where it is of the command line alone, or by the section that does not belong there.</summary>
    private static bool IsNamed(string message, RecipeKey key) => message.Contains(key.Path, StringComparison.Ordinal)
        || message.Contains($"--{key.Flag}", StringComparison.Ordinal)
        || message.Contains($"{key.Path.Split('.')[0]} belongs to", StringComparison.Ordinal);

    /// <summary>Whether a section's name stands twice behind one another.</summary>
    private static bool IsDoubled(string message, string path) =>
        path.Split('.').Any(section => message.Contains($"{section}.{section}", StringComparison.Ordinal)
            || message.Contains($"{section}_{section}", StringComparison.Ordinal));

    private static bool IsMade(Type record)
    {
        try
        {
            Recipe.Element(record, Node("{}"), "x.yaml");
            return true;
        }
        catch (Exception failure) when (failure is BeearException or InvalidOperationException or MissingMethodException)
        {
            return false;
        }
    }

    private static YamlNode Node(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return stream.Documents[0].RootNode;
    }
}
