using System.Globalization;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>Reads what stands for one character out of a set: escapes, properties and classes in brackets.</summary>
internal sealed class CharacterSetParser(PatternCursor cursor)
{
    private const int DeepestNesting = 100;
    private int depth;

    /// <summary>What \d, \p{…} and the like stand for; null, and nothing taken, if the escape is none of these.</summary>
    public CodePointSet? ParseEscapedSet()
    {
        int character = cursor.Current;
        var set = character switch
        {
            'd' or 'D' => CharacterProperties.Digit,
            'w' or 'W' => CharacterProperties.Word,
            's' or 'S' => CharacterProperties.WhiteSpace,
            'h' or 'H' => CharacterProperties.HexadecimalDigit,
            'p' or 'P' => CodePointSet.Empty,
            _ => null,
        };
        if (set is null) return null;
        cursor.Next();
        if (character is 'p' or 'P') set = ParseProperty();
        return character is 'D' or 'W' or 'S' or 'H' or 'P' ? ~set : set;
    }

    private CodePointSet ParseProperty()
    {
        bool isBraced = cursor.Take('{');
        bool negated = isBraced && cursor.Take('^');
        string name = isBraced
            ? cursor.TakeUntil('}') ?? throw cursor.Error(@"a \p{ is not closed")
            : cursor.AtEnd ? "" : char.ConvertFromUtf32(cursor.Next());
        var set = CharacterProperties.Find(name) ?? throw cursor.Error($@"the character property \p{{{name}}} is not supported");
        return negated ? ~set : set;
    }

    /// <summary>The character that an escape stands for.</summary>
    public int ParseEscapedCharacter()
    {
        int character = cursor.Next();
        return character switch
        {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\f',
            'v' => '\v',
            'a' => '\a',
            'e' => 0x1B,
            'x' => cursor.Take('{') ? ParseBracedHexadecimal() : ParseHexadecimal(1, 2),
            'u' => ParseHexadecimal(4, 4),
            '0' => ParseOctal(),
            (>= '1' and <= '9') or 'k' or 'g' => throw cursor.Error("references to groups are not supported"),
            'c' or 'C' or 'M' or 'K' or 'X' or 'y' or 'Y' or 'o' => throw cursor.Error($@"the escape \{(char)character} is not supported"),
            _ => character,
        };
    }

    private int ParseBracedHexadecimal()
    {
        int value = ParseHexadecimal(1, 8);
        return cursor.Take('}') ? value : throw cursor.Error(@"a \x{ is not closed");
    }

    private int ParseHexadecimal(int least, int most)
    {
        string digits = cursor.TakeWhile(char.IsAsciiHexDigit, most);
        if (digits.Length < least) throw cursor.Error("hexadecimal digits are missing");
        uint value = uint.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return value < CodePointSet.Limit ? (int)value : throw cursor.Error($"there is no character {value:X}");
    }

    private int ParseOctal()
    {
        string digits = cursor.TakeWhile(character => character is >= '0' and <= '7', most: 2);
        return digits.Aggregate(0, (value, digit) => (8 * value) + (digit - '0'));
    }

    /// <summary>A class behind its '['.</summary>
    public CodePointSet ParseClass(bool ignoreCase)
    {
        if (++depth > DeepestNesting) throw cursor.Error($"it is nested more than {DeepestNesting} deep");
        bool negated = cursor.Take('^');
        CodePointSet? intersection = null;
        var union = CodePointSet.Empty;
        for (bool isFirst = true; isFirst || !cursor.Take(']'); isFirst = false)
        {
            if (cursor.AtEnd) throw cursor.Error("a '[' is not closed");
            if (isFirst && cursor.Take(']'))
            {
                union |= CodePointSet.Of(']');
            }
            else if (cursor.Take('&', '&'))
            {
                intersection = intersection is null ? union : intersection & union;
                union = CodePointSet.Empty;
            }
            else
            {
                union |= ParseClassPart(ignoreCase);
            }
        }
        var set = intersection is null ? union : intersection & union;
        if (ignoreCase) set = set.IgnoringCase();
        depth--;
        return negated ? ~set : set;
    }

    private CodePointSet ParseClassPart(bool ignoreCase)
    {
        var (set, first) = ParseClassItem(ignoreCase);
        if (first is not { } from || cursor.AtEnd || cursor.Current != '-' || cursor.Following is ']' or < 0) return set;
        cursor.Next();
        var (end, last) = ParseClassItem(ignoreCase);
        if (last is not { } to) return set | CodePointSet.Of('-') | end;
        return from <= to ? CodePointSet.Range(from, to) : throw cursor.Error("a range of characters ends before it begins");
    }

    private (CodePointSet Set, int? Character) ParseClassItem(bool ignoreCase)
    {
        if (cursor.AtEnd) throw cursor.Error("a '[' is not closed");
        int character = cursor.Next();
        if (character == '[') return (cursor.AtEnd || cursor.Current != ':' ? ParseClass(ignoreCase) : ParseBracket()
            ?? ParseClass(ignoreCase), null);
        if (character == '\\')
        {
            if (cursor.AtEnd) throw cursor.Error(@"it ends with a '\'");
            if (ParseEscapedSet() is { } set) return (set, null);
            if (cursor.Take('b')) return (CodePointSet.Of('\b'), '\b');
            if (cursor.Current is 'R' or 'N' or 'O') throw cursor.Error($@"the escape \{(char)cursor.Current} is not supported in a class");
            character = ParseEscapedCharacter();
        }
        return (CodePointSet.Of(character), character);
    }

    /// <summary>"[:name:]" behind its '['; null, and nothing taken, if it is a class that begins with ':'.</summary>
    private CodePointSet? ParseBracket()
    {
        int start = cursor.Position++;
        bool negated = cursor.Take('^');
        string name = cursor.TakeWhile(char.IsAsciiLetterLower);
        if (!cursor.Take(':', ']'))
        {
            cursor.Position = start;
            return null;
        }
        var set = CharacterProperties.FindBracket(name) ?? throw cursor.Error($"the bracket [:{name}:] is not supported");
        return negated ? ~set : set;
    }
}
