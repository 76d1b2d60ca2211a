using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Reads the names, literals and operators inside one tag.</summary>
internal sealed class TagScanner(string source, List<Token> tokens)
{
    private static readonly string[] s_operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"];

    private int _openBrackets;

    /// <summary>True while a bracket is open, when '}}' closes dictionaries and not the tag.</summary>
    public bool InsideBrackets => _openBrackets > 0;

    /// <summary>Adds the token at a position and returns the position after it.</summary>
    public int Read(int start, int line)
    {
        var first = source[start];
        if (first is '\'' or '"') return ReadString(start, line);
        if (char.IsAsciiDigit(first)) return ReadNumber(start, line);
        if (char.IsLetter(first) || first == '_')
        {
            var end = start;
            while (end < source.Length && (char.IsLetterOrDigit(source[end]) || source[end] == '_')) end++;
            tokens.Add(new Token(TokenKind.Name, source[start..end], line));
            return end;
        }
        foreach (var symbol in s_operators)
        {
            if (string.CompareOrdinal(source, start, symbol, 0, symbol.Length) != 0) continue;
            _openBrackets += symbol is "(" or "[" or "{" ? 1 : symbol is ")" or "]" or "}" ? -1 : 0;
            tokens.Add(new Token(TokenKind.Operator, symbol, line));
            return start + symbol.Length;
        }
        throw new TemplateException($"the character '{first}' is not understood") { Line = line };
    }

    private int ReadNumber(int start, int line)
    {
        var end = start;
        if (source[start] == '0' && start + 1 < source.Length && source[start + 1] is 'x' or 'X')
        {
            end = start + 2;
            while (end < source.Length && (char.IsAsciiHexDigit(source[end]) || source[end] == '_')) end++;
            var digits = source[(start + 2)..end].Replace("_", "", StringComparison.Ordinal);
            if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                throw new TemplateException($"the number '{source[start..end]}' is not understood") { Line = line };
            tokens.Add(new Token(TokenKind.Integer, value.ToString(CultureInfo.InvariantCulture), line));
            return end;
        }
        var kind = TokenKind.Integer;
        end = SkipDigits(end);
        if (end + 1 < source.Length && source[end] == '.' && char.IsAsciiDigit(source[end + 1]))
        {
            kind = TokenKind.Float;
            end = SkipDigits(end + 1);
        }
        if (end < source.Length && source[end] is 'e' or 'E')
        {
            var exponent = end + 1 < source.Length && source[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (SkipDigits(exponent) > exponent) (kind, end) = (TokenKind.Float, SkipDigits(exponent));
        }
        tokens.Add(new Token(kind, source[start..end].Replace("_", "", StringComparison.Ordinal), line));
        return end;
    }

    private int SkipDigits(int at)
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || source[at] == '_')) at++;
        return at;
    }

    private int ReadString(int start, int line)
    {
        var text = new StringBuilder();
        for (var at = start + 1; at < source.Length;)
        {
            if (source[at] == source[start])
            {
                tokens.Add(new Token(TokenKind.String, text.ToString(), line));
                return at + 1;
            }
            at = source[at] == '\\' && at + 1 < source.Length ? ReadEscape(at, text, line) : AppendPlain(at, text);
        }
        throw new TemplateException("a string is not closed") { Line = line };
    }

    private int AppendPlain(int at, StringBuilder text)
    {
        text.Append(source[at]);
        return at + 1;
    }

    private int ReadEscape(int at, StringBuilder text, int line)
    {
        var code = source[at + 1];
        var hexDigits = code switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (hexDigits > 0)
        {
            var end = at + 2 + hexDigits;
            if (end > source.Length || !int.TryParse(source.AsSpan(at + 2, hexDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                || value is < 0 or > 0x10FFFF)
                throw new TemplateException($"the escape '\\{code}' needs {hexDigits} hexadecimal digits of a character") { Line = line };
            if (value > 0xFFFF) text.Append(char.ConvertFromUtf32(value));
            else text.Append((char)value);
            return end;
        }
        if (code is >= '0' and <= '7')
        {
            var (end, value) = (at + 1, 0);
            for (; end < source.Length && end < at + 4 && source[end] is >= '0' and <= '7'; end++) value = value * 8 + source[end] - '0';
            text.Append((char)value);
            return end;
        }
        text.Append(code switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            'a' => "\a",
            '\n' => "",
            '\\' or '\'' or '"' => code.ToString(),
            _ => "\\" + code,
        });
        return at + 2;
    }
}
