using Beear.Text.Tokenization.PreTokenizers;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads pre-tokenizers.</summary>
internal static class PreTokenizerReader
{
    /// <summary>Reads one; sequences with all that is in them.</summary>
    /// <exception cref="BeearException">It is damaged, or of a kind that is not supported.</exception>
    public static IPreTokenizer Read(JsonPart part, PatternReader patterns) => part.Finish<IPreTokenizer>(part.Kind switch
    {
        "Sequence" => new PreTokenizerSequence([.. part.Parts("pretokenizers").Select(inner => Read(inner, patterns))]),
        "ByteLevel" => ReadByteLevel(part),
        "Metaspace" => new MetaspacePreTokenizer(part.Character("replacement"), ReadPrependScheme(part), part.Flag("split", true)),
        "Split" => new SplitPreTokenizer(patterns.Read(part), ReadBehavior(part, part.Text("behavior")), part.Flag("invert")),
        "Digits" => new SplitPreTokenizer(
            new CharacterPattern(CharacterProperties.Number), part.Flag("individual_digits")
                ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new SplitPreTokenizer(
            new CharacterPattern(CharacterProperties.Punctuation),
                ReadBehavior(part, part.OptionalText("behavior") ?? nameof(SplitBehavior.Isolated))),
        "Whitespace" => new SplitPreTokenizer(new RegexPattern(@"[\w\u200C\u200D]+|[^\w\u200C\u200D\s]+"),
            SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => SplitAtWhiteSpace(),
        "BertPreTokenizer" => new PreTokenizerSequence(
            [SplitAtWhiteSpace(), new SplitPreTokenizer(new CharacterPattern(CharacterProperties.Punctuation), SplitBehavior.Isolated)]),
        "CharDelimiterSplit" => new SplitPreTokenizer(new LiteralPattern(part.Character("delimiter")), SplitBehavior.Removed),
        "FixedLength" => new FixedLengthPreTokenizer(part.OptionalInteger("length", 1, int.MaxValue) ?? 5),
        var kind => throw part.Unsupported(kind),
    });

    /// <summary>The scheme of a Metaspace, or what older files say in its place.</summary>
    public static PrependScheme ReadPrependScheme(JsonPart part)
    {
        part.Ignore("str_rep");
        var scheme = part.OptionalText("prepend_scheme") switch
        {
            null or "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw new BeearException($"The {part.What}'s prepend scheme \"{other}\" is not supported."),
        };
        return part.Flag("add_prefix_space", true) ? scheme : PrependScheme.Never;
    }

    private static ByteLevelPreTokenizer ReadByteLevel(JsonPart part)
    {
        part.Ignore("trim_offsets");
        return new ByteLevelPreTokenizer(part.Flag("add_prefix_space", true), part.Flag("use_regex", true));
    }

    private static SplitPreTokenizer SplitAtWhiteSpace() =>
        new(new CharacterPattern(CharacterProperties.WhiteSpace), SplitBehavior.Removed);

    private static SplitBehavior ReadBehavior(JsonPart part, string name) => Enum.GetNames<SplitBehavior>().Contains(name)
        ? Enum.Parse<SplitBehavior>(name)
        : throw new BeearException($"The {part.What}'s behavior \"{name}\" is not supported.");
}
