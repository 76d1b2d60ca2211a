namespace Beear.Text.Templates;

/// <summary>
/// Cuts a template into tokens with the whitespace rules of chat templates: the newline after a block is removed (trim_blocks),
/// blanks between a line's start and a block are removed (lstrip_blocks), and '-' or '+' beside a tag's brace overrides both.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;
    private int _lineStart;
    private Position _tagStart;
    private bool _lineStarting = true;

    private TemplateLexer(string source) => _source = source;

    /// <summary>All tokens of the source, an End token last.</summary>
    public static List<Token> Tokenize(string source)
    {
        var text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        while (lexer._position < lexer._source.Length) lexer.ReadTextThenTag();
        lexer.Add(TokenKind.End, "");
        return lexer._tokens;
    }

    private void ReadTextThenTag()
    {
        var start = _position;
        var tag = FindTag(start);
        var isOutput = tag + 1 < _source.Length && _source[tag + 1] == '{';
        AddText(start, tag, isOutput);
        if (tag == _source.Length)
        {
            _position = tag;
            return;
        }
        _tagStart = Here;
        Advance(tag + 2);
        if (At('-') || At('+')) Advance(_position + 1);
        switch (_source[tag + 1])
        {
            case '#': SkipComment(); break;
            case '%' when TryReadRaw(): break;
            default: ReadTag(isOutput); break;
        }
    }

    private int FindTag(int from)
    {
        for (var at = _source.IndexOf('{', from); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
        {
            if (_source[at + 1] is '{' or '%' or '#') return at;
        }
        return _source.Length;
    }

    private void AddText(int start, int tag, bool isOutput)
    {
        var text = _source[start..tag];
        var sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
        if (tag < _source.Length && sign == '-')
        {
            text = PythonText.StripEnd(text);
        }
        else if (tag < _source.Length && sign != '+' && !isOutput)
        {
            var lineStart = text.LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _lineStarting) && PythonText.StripEnd(text[lineStart..]).Length == 0) text = text[..lineStart];
        }
        if (text.Length > 0) Add(TokenKind.Text, text);
        Advance(tag);
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0) throw FailTag("a comment '{#' is not closed by '#}'");
        var sign = end > _position ? _source[end - 1] : ' ';
        Advance(end + 2);
        FinishTag(sign, trimNewline: true);
    }

    private bool TryReadRaw()
    {
        if (!TryReadKeyword(_position, "raw", out var bodyStart, out var beginSign)) return false;
        Advance(bodyStart);
        FinishTag(beginSign, trimNewline: false);
        for (var at = _source.IndexOf("{%", _position, StringComparison.Ordinal); at >= 0; at =
            _source.IndexOf("{%", at + 2, StringComparison.Ordinal))
        {
            var signed = at + 2 < _source.Length && _source[at + 2] is '-' or '+';
            if (!TryReadKeyword(at + (signed ? 3 : 2), "endraw", out var end, out var sign)) continue;
            AddText(_position, at, isOutput: false);
            Advance(end);
            FinishTag(sign, trimNewline: true);
            return true;
        }
        throw FailTag("'raw' is not closed by 'endraw'");
    }

    private bool TryReadKeyword(int at, string keyword, out int end, out char sign)
    {
        (end, sign) = (at, ' ');
        at = SkipSpaces(at);
        if (string.CompareOrdinal(_source, at, keyword, 0, keyword.Length) != 0) return false;
        at = SkipSpaces(at + keyword.Length);
        if (at < _source.Length && _source[at] is '-' or '+') sign = _source[at++];
        if (string.CompareOrdinal(_source, at, "%}", 0, 2) != 0) return false;
        end = at + 2;
        return true;
    }

    private void ReadTag(bool isOutput)
    {
        _tokens.Add(new Token(isOutput ? TokenKind.OutputBegin : TokenKind.BlockBegin, "", _tagStart));
        var closing = isOutput ? "}}" : "%}";
        var scanner = new TagScanner(_source, _tokens);
        while (true)
        {
            Advance(SkipSpaces(_position));
            if (_position >= _source.Length) throw FailTag($"a tag is not closed by '{closing}'");
            var sign = _source[_position];
            var signed = sign == '-' || (sign == '+' && !isOutput);
            var at = _position + (signed ? 1 : 0);
            if (!scanner.InsideBrackets && string.CompareOrdinal(_source, at, closing, 0, 2) == 0)
            {
                Add(isOutput ? TokenKind.OutputEnd : TokenKind.BlockEnd, "");
                Advance(at + 2);
                FinishTag(signed ? sign : ' ', trimNewline: !isOutput);
                return;
            }
            Advance(scanner.Read(_position, Here));
        }
    }

    private void FinishTag(char sign, bool trimNewline)
    {
        var start = _position;
        if (sign == '-') Advance(SkipSpaces(_position));
        else if (sign != '+' && trimNewline && At('\n')) Advance(_position + 1);
        _lineStarting = _position > start && _source[_position - 1] == '\n';
    }

    private Position Here => new(_line, _position - _lineStart + 1);

    private bool At(char character) => _position < _source.Length && _source[_position] == character;

    private int SkipSpaces(int at)
    {
        while (at < _source.Length && PythonText.IsSpace(_source[at])) at++;
        return at;
    }

    private void Advance(int to)
    {
        for (; _position < to; _position++)
        {
            if (_source[_position] != '\n') continue;
            _line++;
            _lineStart = _position + 1;
        }
    }

    private void Add(TokenKind kind, string value) => _tokens.Add(new Token(kind, value, Here));

    private TemplateException FailTag(string message) => new(message) { At = _tagStart };
}
