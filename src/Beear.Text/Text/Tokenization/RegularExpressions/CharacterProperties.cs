using System.Globalization;
using static System.Globalization.UnicodeCategory;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>Named sets of characters: general categories, scripts, and what \s, \w and POSIX brackets stand for.</summary>
internal static class CharacterProperties
{
    private static readonly (string Short, string Long, UnicodeCategory[] Categories)[] GeneralCategories =
    [
        ("L", "Letter", [UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter]),
        ("LC", "CasedLetter", [UppercaseLetter, LowercaseLetter, TitlecaseLetter]),
        ("Lu", "UppercaseLetter", [UppercaseLetter]),
        ("Ll", "LowercaseLetter", [LowercaseLetter]),
        ("Lt", "TitlecaseLetter", [TitlecaseLetter]),
        ("Lm", "ModifierLetter", [ModifierLetter]),
        ("Lo", "OtherLetter", [OtherLetter]),
        ("M", "Mark", [NonSpacingMark, SpacingCombiningMark, EnclosingMark]),
        ("Mn", "NonspacingMark", [NonSpacingMark]),
        ("Mc", "SpacingMark", [SpacingCombiningMark]),
        ("Me", "EnclosingMark", [EnclosingMark]),
        ("N", "Number", [DecimalDigitNumber, LetterNumber, OtherNumber]),
        ("Nd", "DecimalNumber", [DecimalDigitNumber]),
        ("Nl", "LetterNumber", [LetterNumber]),
        ("No", "OtherNumber", [OtherNumber]),
        ("P", "Punctuation", [ConnectorPunctuation, DashPunctuation, OpenPunctuation, ClosePunctuation, InitialQuotePunctuation,
            FinalQuotePunctuation, OtherPunctuation]),
        ("Pc", "ConnectorPunctuation", [ConnectorPunctuation]),
        ("Pd", "DashPunctuation", [DashPunctuation]),
        ("Ps", "OpenPunctuation", [OpenPunctuation]),
        ("Pe", "ClosePunctuation", [ClosePunctuation]),
        ("Pi", "InitialPunctuation", [InitialQuotePunctuation]),
        ("Pf", "FinalPunctuation", [FinalQuotePunctuation]),
        ("Po", "OtherPunctuation", [OtherPunctuation]),
        ("S", "Symbol", [MathSymbol, CurrencySymbol, ModifierSymbol, OtherSymbol]),
        ("Sm", "MathSymbol", [MathSymbol]),
        ("Sc", "CurrencySymbol", [CurrencySymbol]),
        ("Sk", "ModifierSymbol", [ModifierSymbol]),
        ("So", "OtherSymbol", [OtherSymbol]),
        ("Z", "Separator", [SpaceSeparator, LineSeparator, ParagraphSeparator]),
        ("Zs", "SpaceSeparator", [SpaceSeparator]),
        ("Zl", "LineSeparator", [LineSeparator]),
        ("Zp", "ParagraphSeparator", [ParagraphSeparator]),
        ("C", "Other", [Control, Format, Surrogate, PrivateUse, OtherNotAssigned]),
        ("Cc", "Control", [Control]),
        ("Cf", "Format", [Format]),
        ("Cs", "Surrogate", [Surrogate]),
        ("Co", "PrivateUse", [PrivateUse]),
        ("Cn", "Unassigned", [OtherNotAssigned]),
    ];

    private static readonly Dictionary<string, Func<CodePointSet>> ByName = Names();

    /// <summary>Letters, marks, decimal and letter numbers, connectors, circled letters: \w in a class.</summary>
    public static CodePointSet Word { get; } = CodePointSet.OfCategories(
        UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter, NonSpacingMark, SpacingCombiningMark, EnclosingMark,
        DecimalDigitNumber, LetterNumber, ConnectorPunctuation) |
        CodePointSet.Ranges((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189));

    /// <summary>\w and \b outside of classes: Oniguruma counts the superscripts and fractions of Latin-1 there too.</summary>
    public static CodePointSet WordOutsideClass { get; } = Word | CodePointSet.Ranges((0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE));

    /// <summary>White space of Unicode: \s.</summary>
    public static CodePointSet WhiteSpace { get; } =
        CodePointSet.OfCategories(SpaceSeparator, LineSeparator, ParagraphSeparator) | CodePointSet.Ranges((0x9, 0xD), (0x85, 0x85));

    /// <summary>Decimal digits: \d.</summary>
    public static CodePointSet Digit { get; } = CodePointSet.OfCategories(DecimalDigitNumber);

    /// <summary>Numbers of any kind.</summary>
    public static CodePointSet Number { get; } = CodePointSet.OfCategories(DecimalDigitNumber, LetterNumber, OtherNumber);

    /// <summary>0–9, A–F, a–f: \h.</summary>
    public static CodePointSet HexadecimalDigit { get; } = CodePointSet.Ranges(('0', '9'), ('A', 'F'), ('a', 'f'));

    /// <summary>The symbols of ASCII, and Unicode's punctuation.</summary>
    public static CodePointSet Punctuation { get; } =
        Find("P")! | CodePointSet.Ranges(('!', '/'), (':', '@'), ('[', '`'), ('{', '~'));

    /// <summary>The set of a name as \p{…} has it; null if there is none. Case, spaces, '-' and '_' do not count.</summary>
    public static CodePointSet? Find(string name) => ByName.TryGetValue(Plain(name), out var set) ? set() : null;

    /// <summary>The set of a name as [:…:] has it; null if there is none.</summary>
    public static CodePointSet? FindBracket(string name) => Plain(name) switch
    {
        "PUNCT" => Find("P")! | Find("S")!,
        "CNTRL" or "DIGIT" or "SPACE" or "BLANK" or "XDIGIT" or "WORD" or "ASCII" => Find(name),
        _ => null,
    };

    private static Dictionary<string, Func<CodePointSet>> Names()
    {
        var names = new Dictionary<string, Func<CodePointSet>>(StringComparer.Ordinal)
        {
            ["ANY"] = () => CodePointSet.All,
            ["ASSIGNED"] = () => ~CodePointSet.OfCategories(OtherNotAssigned),
            ["ASCII"] = () => CodePointSet.Range(0, 0x7F),
            ["CNTRL"] = () => CodePointSet.OfCategories(Control),
            ["DIGIT"] = () => Digit,
            ["SPACE"] = () => WhiteSpace,
            ["WHITESPACE"] = () => WhiteSpace,
            ["BLANK"] = () => CodePointSet.OfCategories(SpaceSeparator) | CodePointSet.Of('\t'),
            ["XDIGIT"] = () => HexadecimalDigit,
            ["WORD"] = () => Word,
            ["PUNCT"] = () => Find("P")!,
        };
        foreach (var (shortName, longName, categories) in GeneralCategories)
            names[Plain(shortName)] = names[Plain(longName)] = () => CodePointSet.OfCategories(categories);
        foreach (var (name, ranges) in Scripts.All) names[Plain(name)] = () => CodePointSet.Ranges(ranges);
        return names;
    }

    private static string Plain(string name) =>
        string.Concat(name.Where(character => character is not (' ' or '-' or '_'))).ToUpperInvariant();
}
