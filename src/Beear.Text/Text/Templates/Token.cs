namespace Beear.Text.Templates;

/// <summary>The kinds of token in a template.</summary>
internal enum TokenKind { Text, OutputBegin, OutputEnd, BlockBegin, BlockEnd, Name, String, Integer, Float, Operator, End }

/// <summary>One token and where it starts; <see cref="Value"/> holds strings without quotes and escapes.</summary>
internal readonly record struct Token(TokenKind Kind, string Value, Position At)
{
    public bool IsName(string name) => Kind == TokenKind.Name && Value == name;

    public bool IsOperator(string symbol) => Kind == TokenKind.Operator && Value == symbol;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.OutputBegin => "'{{'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.Text => "text",
        _ => $"'{Value}'",
    };
}

/// <summary>A cursor over tokens, with the small questions parsers ask.</summary>
internal sealed class TokenStream(IReadOnlyList<Token> tokens)
{
    private const int MaximumDepth = 150;
    private int _position;
    private int _depth;

    /// <summary>Where the current token starts.</summary>
    public Position Here => Current.At;

    public Token Current => tokens[_position];

    public Token Peek => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public Token Next()
    {
        var token = Current;
        if (_position < tokens.Count - 1) _position++;
        return token;
    }

    public bool SkipOperator(string symbol) => Skip(Current.IsOperator(symbol));

    public bool SkipName(string name) => Skip(Current.IsName(name));

    public void ExpectOperator(string symbol)
    {
        if (!SkipOperator(symbol)) throw Unexpected($"'{symbol}'");
    }

    public void ExpectName(string name)
    {
        if (!SkipName(name)) throw Unexpected($"'{name}'");
    }

    public Token Expect(TokenKind kind, string description) => Current.Kind == kind ? Next() : throw Unexpected(description);

    public TemplateException Unexpected(string wanted) => Fail($"{wanted} is expected, but there is {Current}");

    public TemplateException Fail(string message) => new(message) { At = Current.At };

    /// <summary>Parses one level deeper, so that a template nested too deeply is an error, not a stack overflow.</summary>
    public T Deeper<T>(Func<T> parse)
    {
        if (++_depth > MaximumDepth) throw Fail($"more than {MaximumDepth} levels of nesting");
        var result = parse();
        _depth--;
        return result;
    }

    private bool Skip(bool matches)
    {
        if (matches) Next();
        return matches;
    }
}
