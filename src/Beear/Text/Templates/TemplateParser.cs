namespace Beear.Text.Templates;

/// <summary>Parses a template into the statements that render it.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private TemplateParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    public static Body Parse(string source)
    {
        var parser = new TemplateParser(new TokenStream(TemplateLexer.Tokenize(source)));
        return parser.ParseBody();
    }

    /// <summary>Statements up to one of the given words in a block tag (the word is left to read), or to the template's end.</summary>
    private Body ParseBody(params string[] endings)
    {
        var statements = new List<Statement>();
        while (_tokens.Current.Kind != TokenKind.End)
        {
            var token = _tokens.Next();
            switch (token.Kind)
            {
                case TokenKind.Text: statements.Add(new PlainText(token.Value, token.Line)); break;
                case TokenKind.OutputBegin:
                    statements.Add(new Output(_expressions.ParseTuple(), token.Line));
                    _tokens.Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                default:
                    if (_tokens.Current.Kind == TokenKind.Name && endings.Contains(_tokens.Current.Value)) return new Body(statements);
                    statements.Add(_tokens.Deeper(ParseStatement));
                    break;
            }
        }
        return endings.Length == 0 ? new Body(statements) : throw _tokens.Unexpected($"'{endings[^1]}'");
    }

    private Statement ParseStatement()
    {
        var word = _tokens.Expect(TokenKind.Name, "a statement");
        var line = word.Line;
        switch (word.Value)
        {
            case "if": return ParseIf(line);
            case "for": return ParseFor(line);
            case "set": return ParseSet(line);
            case "macro": return ParseMacro(line);
            case "with": return ParseWith(line);
            case "generation":
                EndTag();
                return new ScopedBlock([], ParseUntil("endgeneration"), line);
            case "filter":
                var filters = ParseBlockFilters(_expressions.ParseFilter);
                EndTag();
                return new CapturedBlock(null, filters, ParseOutsideLoops("endfilter"), line);
            case "break" or "continue" when _loops > 0:
                EndTag();
                return new Jump(word.Value == "break" ? Flow.Break : Flow.Continue, line);
            default: throw new TemplateException($"the statement '{word.Value}' is not understood here") { Line = line };
        }
    }

    private If ParseIf(int line)
    {
        var branches = new List<(Expression, Body)>();
        do
        {
            var condition = _expressions.ParseTuple();
            EndTag();
            branches.Add((condition, ParseBody("elif", "else", "endif")));
        }
        while (_tokens.SkipName("elif"));
        var otherwise = ParseElse("endif");
        return new If(branches, otherwise, line);
    }

    private For ParseFor(int line)
    {
        var target = ParseTarget();
        _tokens.ExpectName("in");
        var source = _expressions.ParseWithoutCondition();
        if (_tokens.Current.IsOperator(",")) throw _tokens.Fail("a list to loop over needs brackets");
        var filter = _tokens.SkipName("if") ? _expressions.Parse() : null;
        if (_tokens.Current.IsName("recursive")) throw _tokens.Fail("recursive loops are not supported");
        EndTag();
        _loops++;
        var body = ParseBody("else", "endfor");
        _loops--;
        return new For(target, source, filter, body, ParseElse("endfor"), line);
    }

    private Body? ParseElse(string ending)
    {
        if (!_tokens.SkipName("else"))
        {
            _tokens.ExpectName(ending);
            EndTag();
            return null;
        }
        EndTag();
        return ParseUntil(ending);
    }

    private Statement ParseSet(int line)
    {
        var target = ParseTarget();
        if (_tokens.SkipOperator("="))
        {
            var value = _expressions.ParseTuple();
            EndTag();
            return new Set(target, value, line);
        }
        var filters = ParseBlockFilters(text => text);
        EndTag();
        return new CapturedBlock(target, filters, ParseOutsideLoops("endset"), line);
    }

    private Macro ParseMacro(int line)
    {
        var name = _tokens.Expect(TokenKind.Name, "the macro's name").Value;
        var parameters = new List<(string, Expression?)>();
        _tokens.ExpectOperator("(");
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            var parameter = _tokens.Expect(TokenKind.Name, "a parameter's name").Value;
            parameters.Add((parameter, _tokens.SkipOperator("=") ? _expressions.Parse() : null));
        }
        EndTag();
        return new Macro(name, parameters, ParseOutsideLoops("endmacro"), line);
    }

    private ScopedBlock ParseWith(int line)
    {
        var assignments = new List<(Target, Expression)>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0) _tokens.ExpectOperator(",");
            var name = _tokens.Expect(TokenKind.Name, "a name").Value;
            _tokens.ExpectOperator("=");
            assignments.Add((new Target(name, null, null), _expressions.Parse()));
        }
        EndTag();
        return new ScopedBlock(assignments, ParseUntil("endwith"), line);
    }

    /// <summary>The filters of a block, applied to its captured text.</summary>
    private Expression ParseBlockFilters(Func<Expression, Expression> parseFirst) =>
        _expressions.ParseFilters(parseFirst(new Variable(CapturedBlock.TextName)));

    private Body ParseUntil(string ending)
    {
        var body = ParseBody(ending);
        _tokens.ExpectName(ending);
        if (_tokens.Current.Kind == TokenKind.Name) _tokens.Next();
        EndTag();
        return body;
    }

    /// <summary>A body that is captured as text, out of which a loop's break and continue cannot jump.</summary>
    private Body ParseOutsideLoops(string ending)
    {
        var loops = _loops;
        _loops = 0;
        var body = ParseUntil(ending);
        _loops = loops;
        return body;
    }

    private Target ParseTarget()
    {
        var first = ParseSingleTarget();
        if (!_tokens.Current.IsOperator(",")) return first;
        var parts = new List<Target> { first };
        while (_tokens.SkipOperator(",")) parts.Add(ParseSingleTarget());
        return new Target("", null, parts);
    }

    private Target ParseSingleTarget()
    {
        if (_tokens.SkipOperator("("))
        {
            var inner = _tokens.Deeper(ParseTarget);
            _tokens.ExpectOperator(")");
            return inner;
        }
        var name = _tokens.Expect(TokenKind.Name, "a name").Value;
        var attribute = _tokens.SkipOperator(".") ? _tokens.Expect(TokenKind.Name, "an attribute's name").Value : null;
        return new Target(name, attribute, null);
    }

    private void EndTag() => _tokens.Expect(TokenKind.BlockEnd, "'%}'");
}
