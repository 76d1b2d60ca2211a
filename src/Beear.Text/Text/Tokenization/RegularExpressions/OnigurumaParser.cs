using System.Globalization;
using System.Text;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>
/// Reads a regular expression of Oniguruma's syntax (what tokenizer.json holds) and writes it for .NET. Every character and character class
/// becomes a <see cref="CodePointSet"/>, so that what \s, \p{…} or upper and lower case mean does not depend on .NET's engine.
/// </summary>
internal sealed class OnigurumaParser
{
    /// <summary>In the written expression, this character + i stands for set i; all else in it is syntax in ASCII.</summary>
    public const char FirstSet = '\uE000';

    private const int MostSets = 2_000;
    private const int DeepestNesting = 100;
    private const int MostRepetitions = 100_000;

    private static readonly CodePointSet NewLine = CodePointSet.Of('\n');

    private readonly PatternCursor cursor;
    private readonly CharacterSetParser characters;
    private readonly Dictionary<CodePointSet, int> sets = [];
    private int depth;
    private bool ignoreCase;
    private bool dotIsAll;
    private bool isExtended;

    private OnigurumaParser(string pattern)
    {
        cursor = new PatternCursor(pattern);
        characters = new CharacterSetParser(cursor);
    }

    /// <summary>Translates an expression.</summary>
    /// <returns>The expression with placeholders for sets, and the sets.</returns>
    /// <exception cref="BeearException">It is malformed, or uses something that is not supported.</exception>
    public static (string Expression, IReadOnlyList<CodePointSet> Sets) Parse(string pattern)
    {
        var parser = new OnigurumaParser(pattern);
        string expression = parser.ParseAlternation();
        if (!parser.cursor.AtEnd) throw parser.cursor.Error("a ')' closes nothing");
        return (expression, [.. parser.sets.OrderBy(pair => pair.Value).Select(pair => pair.Key)]);
    }

    private string ParseAlternation()
    {
        if (++depth > DeepestNesting) throw cursor.Error($"it is nested more than {DeepestNesting} deep");
        var written = new StringBuilder(ParseSequence());
        while (cursor.Take('|')) written.Append('|').Append(ParseSequence());
        depth--;
        return written.ToString();
    }

    private string ParseSequence()
    {
        var written = new StringBuilder();
        while (!cursor.AtEnd && cursor.Current is not ('|' or ')')) written.Append(ParseRepeated());
        return written.ToString();
    }

    private string ParseRepeated()
    {
        string atom = ParseAtom();
        while (atom.Length > 0 && ParseQuantifier() is { } quantifier)
        {
            bool isInterval = quantifier[0] == '{';
            string repeated = (atom.Length == 1 ? atom : $"(?:{atom})") + quantifier;
            if (!isInterval && cursor.Take('+'))
                repeated = $"(?>{repeated})";
            else if (!(isInterval && !quantifier.Contains(',', StringComparison.Ordinal)) && cursor.Take('?')) // "{n}?" is "(?:…{n})?"
                repeated += '?';
            atom = repeated.Length > 1 && isInterval ? $"(?:{repeated})" : repeated;
        }
        return atom;
    }

    /// <summary>"*", "+", "?", "{n}", "{n,}" or "{n,m}"; null, and nothing taken, if there is none.</summary>
    private string? ParseQuantifier()
    {
        SkipExtended();
        if (cursor.AtEnd) return null;
        if (cursor.Current is '*' or '+' or '?') return ((char)cursor.Next()).ToString();
        int start = cursor.Position;
        if (!cursor.Take('{')) return null;
        int? least = TakeNumber();
        bool hasComma = cursor.Take(',');
        int? most = hasComma ? TakeNumber() : least;
        if (!cursor.Take('}') || (least is null && most is null))
        {
            cursor.Position = start; // a brace that is no quantifier is a character
            return null;
        }
        if (least > MostRepetitions || most > MostRepetitions || least > most) throw cursor.Error("a repetition count is out of range");
        return hasComma ? $"{{{least ?? 0},{most}}}" : $"{{{least}}}";
    }

    private string ParseAtom()
    {
        SkipExtended();
        if (cursor.AtEnd || cursor.Current is '|' or ')') return "";
        int character = cursor.Next();
        return character switch
        {
            '(' => ParseGroup(),
            '[' => Write(characters.ParseClass(ignoreCase)),
            '.' => Write(dotIsAll ? CodePointSet.All : ~NewLine),
            '^' => $@"(?:\A|(?<={Write(NewLine)})(?!\z))",
            '$' => $@"(?={Write(NewLine)}|\z)",
            '\\' => ParseEscape(),
            '*' or '+' or '?' => throw cursor.Error("there is nothing that a quantifier could repeat"),
            _ => WriteLiteral(character),
        };
    }

    private string ParseGroup()
    {
        var options = (ignoreCase, dotIsAll, isExtended);
        string opening;
        if (!cursor.Take('?'))
            opening = "(?:"; // nothing asks for what groups hold
        else if (cursor.Take(':'))
            opening = "(?:";
        else if (cursor.Take('>'))
            opening = "(?>";
        else if (cursor.Take('='))
            opening = "(?=";
        else if (cursor.Take('!'))
            opening = "(?!";
        else if (cursor.Take('#'))
            return SkipComment();
        else if (cursor.Take('<'))
            opening = cursor.Take('=') ? "(?<=" : cursor.Take('!') ? "(?<!" : SkipName();
        else
            opening = ParseOptions();
        if (opening.Length == 0) return ParseRestOfGroup(options);
        string inner = ParseAlternation();
        if (!cursor.Take(')')) throw cursor.Error("a '(' is not closed");
        (ignoreCase, dotIsAll, isExtended) = options;
        return $"{opening}{inner})";
    }

    /// <summary>"(?i)": the options hold up to the end of the group around it, alternatives included.</summary>
    private string ParseRestOfGroup((bool, bool, bool) options)
    {
        string rest = ParseAlternation();
        (ignoreCase, dotIsAll, isExtended) = options;
        return $"(?:{rest})";
    }

    /// <summary>Options behind "(?"; "(?:" if they hold for a group of their own, "" if for the rest of the one around them.</summary>
    private string ParseOptions()
    {
        bool on = true;
        for (; !cursor.AtEnd; cursor.Position++)
        {
            switch (cursor.Current)
            {
                case '-': on = false; break;
                case 'i': ignoreCase = on; break;
                case 'm': dotIsAll = on; break;
                case 'x': isExtended = on; break;
                case ':': cursor.Next(); return "(?:";
                case ')': cursor.Next(); return "";
                default: throw cursor.Error($"the group \"(?{char.ConvertFromUtf32(cursor.Current)}\" is not supported");
            }
        }
        throw cursor.Error("a '(' is not closed");
    }

    private string SkipComment() => cursor.TakeUntil(')') is null ? throw cursor.Error("a comment is not closed") : "";

    private string SkipName() =>
        cursor.TakeUntil('>') is not { } name || name.AsSpan().ContainsAny('(', ')')
            ? throw cursor.Error("the name of a group is not closed") : "(?:";

    private string ParseEscape()
    {
        if (cursor.AtEnd) throw cursor.Error(@"it ends with a '\'");
        string? written = cursor.Current switch
        {
            'w' => Write(CharacterProperties.WordOutsideClass),
            'W' => Write(~CharacterProperties.WordOutsideClass),
            'b' => WordBoundary(atBoundary: true),
            'B' => WordBoundary(atBoundary: false),
            'A' => @"\A",
            'z' => @"\z",
            'Z' => $@"(?={Write(NewLine)}?\z)",
            'G' => @"\G",
            'N' => Write(~NewLine),
            'O' => Write(CodePointSet.All),
            'R' => LineBreak(),
            _ => null,
        };
        if (written is null) return characters.ParseEscapedSet() is { } set ? Write(set) : WriteLiteral(characters.ParseEscapedCharacter());
        cursor.Next();
        return written;
    }

    private string LineBreak() =>
        $"(?>{Write(CodePointSet.Of('\r'))}{Write(NewLine)}|{Write(CodePointSet.Ranges(('\n', '\r'), (0x85, 0x85), (0x2028, 0x2029)))})";

    private string WordBoundary(bool atBoundary)
    {
        string word = Write(CharacterProperties.WordOutsideClass);
        return atBoundary ? $"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))" : $"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))";
    }

    private string WriteLiteral(int character)
    {
        var set = CodePointSet.Of(character);
        return Write(ignoreCase ? set.IgnoringCase() : set);
    }

    private string Write(CodePointSet set)
    {
        if (!sets.TryGetValue(set, out int index))
        {
            if (sets.Count == MostSets) throw cursor.Error($"it has more than {MostSets} different characters and classes");
            sets[set] = index = sets.Count;
        }
        return ((char)(FirstSet + index)).ToString();
    }

    private void SkipExtended()
    {
        while (isExtended && !cursor.AtEnd && (cursor.Current == '#' || CharacterProperties.WhiteSpace.Contains(cursor.Current)))
        {
            bool isComment = cursor.Next() == '#';
            while (isComment && !cursor.AtEnd && cursor.Current != '\n') cursor.Next();
        }
    }

    private int? TakeNumber()
    {
        string digits = cursor.TakeWhile(char.IsAsciiDigit);
        if (digits.Length == 0) return null;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }
}
