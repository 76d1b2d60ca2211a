using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Reads the names, literals and operators inside one tag.</summary>
internal sealed class TagScanner(string source, List<Token> tokens)
{
    private static readonly string[] s_operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"];

    private const int LongestName = 200;

    private int _openBrackets;

    /// <summary>True while a bracket is open, when '}}' closes dictionaries and not the tag.</summary>
    public bool InsideBrackets => _openBrackets > 0;

    /// <summary>Adds the token at a position and returns the position after it.</summary>
    public int Read(int start, Position here)
    {
        var first = source[start];
        if (first is '\'' or '"') return ReadString(start, here);
        if (char.IsAsciiDigit(first)) return ReadNumber(start, here);
        if (char.IsLetter(first) || first == '_')
        {
            var end = start;
            while (end < source.Length && (char.IsLetterOrDigit(source[end]) || source[end] == '_')) end++;
            if (end - start > LongestName) throw new TemplateException($"a name is longer than {LongestName} characters") { At = here };
            tokens.Add(new Token(TokenKind.Name, source[start..end], here));
            return end;
        }
        foreach (var symbol in s_operators)
        {
            if (string.CompareOrdinal(source, start, symbol, 0, symbol.Length) != 0) continue;
            _openBrackets += symbol is "(" or "[" or "{" ? 1 : symbol is ")" or "]" or "}" ? -1 : 0;
            tokens.Add(new Token(TokenKind.Operator, symbol, here));
            return start + symbol.Length;
        }
        throw new TemplateException($"the character '{first}' is not understood") { At = here };
    }

    private int ReadNumber(int start, Position here)
    {
        var radix = start + 1 < source.Length && source[start] == '0'
            ? char.ToLowerInvariant(source[start + 1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        var end = radix == 10 ? SkipDigits(start) : start + 2;
        if (radix != 10) while (end < source.Length && (char.IsAsciiHexDigit(source[end]) || source[end] == '_')) end++;
        else if (start == 0 || source[start - 1] != '.')
        {
            var whole = end;
            if (end + 1 < source.Length && source[end] == '.' && char.IsAsciiDigit(source[end + 1])) end = SkipDigits(end + 1);
            if (end < source.Length && source[end] is 'e' or 'E')
            {
                var exponent = end + 1 < source.Length && source[end + 1] is '+' or '-' ? end + 2 : end + 1;
                if (exponent < source.Length && char.IsAsciiDigit(source[exponent])) end = SkipDigits(exponent);
            }
            if (end > whole)
            {
                tokens.Add(new Token(TokenKind.Float, source[start..end].Replace("_", "", StringComparison.Ordinal), here));
                return end;
            }
        }
        tokens.Add(new Token(TokenKind.Integer, source[start..end], here));
        return end;
    }

    private int SkipDigits(int at)
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || source[at] == '_')) at++;
        return at;
    }

    private int ReadString(int start, Position here)
    {
        var text = new StringBuilder();
        for (var at = start + 1; at < source.Length;)
        {
            if (source[at] == source[start])
            {
                tokens.Add(new Token(TokenKind.String, text.ToString(), here));
                return at + 1;
            }
            at = source[at] == '\\' && at + 1 < source.Length ? ReadEscape(at, text, here) : AppendPlain(at, text);
        }
        throw new TemplateException("a string is not closed") { At = here };
    }

    private int AppendPlain(int at, StringBuilder text)
    {
        text.Append(source[at]);
        return at + 1;
    }

    private int ReadEscape(int at, StringBuilder text, Position here)
    {
        var code = source[at + 1];
        var hexDigits = code switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (hexDigits > 0)
        {
            var end = at + 2 + hexDigits;
            if (end > source.Length || !int.TryParse(source.AsSpan(at + 2, hexDigits), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out var value) || value is < 0 or > 0x10FFFF)
                throw new TemplateException($"the escape '\\{code}' needs {hexDigits} hexadecimal digits of a character") { At = here };
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
        if (code == 'N') throw new TemplateException(
            "characters by name ('\\N') are not supported; write the character itself")
        { At = here };
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
