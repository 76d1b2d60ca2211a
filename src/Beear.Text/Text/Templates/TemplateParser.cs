namespace Beear.Text.Templates;

/// <summary>Parses a template into the statements that render it.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;
    private int _conditions;

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
                case TokenKind.Text: statements.Add(new PlainText(token.Value, token.At)); break;
                case TokenKind.OutputBegin:
                    statements.Add(new Output(_expressions.ParseTuple(), token.At));
                    EndTag(TokenKind.OutputEnd, "'}}'");
                    break;
                default:
                    if (_tokens.Current.Kind == TokenKind.Name && endings.Contains(_tokens.Current.Value)) return new Body(statements);
                    statements.Add(_tokens.Deeper(() => ParseStatement(token.At)));
                    break;
            }
        }
        return endings.Length == 0 ? new Body(statements) : throw _tokens.Unexpected($"'{endings[^1]}'");
    }

    private Statement ParseStatement(Position at)
    {
        var word = _tokens.Expect(TokenKind.Name, "a statement");
        switch (word.Value)
        {
            case "if": return ParseIf(at);
            case "for": return ParseFor(at);
            case "set": return ParseSet(at);
            case "macro": return ParseMacro(at);
            case "call": return ParseCall(at);
            case "with": return ParseWith(at);
            case "filter":
                var filters = _expressions.ParseFilters(_expressions.ParseFilter(new Variable(CapturedBlock.TextName, at)));
                return new CapturedBlock(null, filters, ParseCaptured("endfilter"), at);
            case "generation": return new Generation(ParseCaptured("endgeneration"), at);
            case "break" or "continue" when _loops > 0:
                EndTag();
                return new Jump(word.Value == "break" ? Flow.Break : Flow.Continue, at);
            case "include" or "import" or "from" or "extends" or "block":
                throw Fail($"the statement '{word.Value}' needs other templates, but a chat template stands alone");
            default: throw Fail($"the statement '{word.Value}' is not understood here");
        }
        TemplateException Fail(string message) => new(message) { At = word.At };
    }

    private If ParseIf(Position at)
    {
        var branches = new List<(Expression, Body)>();
        _conditions++;
        do
        {
            var condition = _expressions.ParseTupleWithoutCondition();
            EndTag();
            branches.Add((condition, ParseBody("elif", "else", "endif")));
        }
        while (_tokens.SkipName("elif"));
        var otherwise = ParseElse("endif");
        _conditions--;
        return new If(branches, otherwise, at);
    }

    private For ParseFor(Position at)
    {
        var target = ParseTarget(mayBeAttribute: false, isLoopTarget: true);
        _tokens.ExpectName("in");
        var source = _expressions.ParseTupleWithoutCondition();
        var filter = _tokens.SkipName("if") ? _expressions.Parse() : null;
        var isRecursive = _tokens.SkipName("recursive");
        EndTag();
        _loops++;
        var body = ParseBody("else", "endfor");
        _loops--;
        return new For(target, source, filter, isRecursive, body, ParseElse("endfor"), at);
    }

    private Body? ParseElse(string ending)
    {
        if (_tokens.SkipName("else")) return ParseUntil(ending);
        _tokens.ExpectName(ending);
        EndTag();
        return null;
    }

    private Statement ParseSet(Position at)
    {
        var target = ParseTarget(mayBeAttribute: true);
        if (_tokens.SkipOperator("="))
        {
            var value = _expressions.ParseTuple();
            EndTag();
            return new Set(target, value, at);
        }
        var filters = _expressions.ParseFilters(new Variable(CapturedBlock.TextName, at));
        return new CapturedBlock(target, filters, ParseCaptured("endset"), at);
    }

    private MacroDefinition ParseMacro(Position at)
    {
        var name = _tokens.Expect(TokenKind.Name, "the macro's name").Value;
        return new MacroDefinition(ParseMacroBody(name, ParseParameters(), "endmacro"), at);
    }

    private CallBlock ParseCall(Position at)
    {
        var parameters = _tokens.Current.IsOperator("(") ? ParseParameters() : [];
        var call = _expressions.Parse() as Call ?? throw _tokens.Fail("a call block needs the call of a macro");
        return new CallBlock(call, ParseMacroBody(Macro.Caller, parameters, "endcall"), at);
    }

    private List<(string, Expression?)> ParseParameters()
    {
        var parameters = new List<(string, Expression?)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var needsDefault = false;
        _tokens.ExpectOperator("(");
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            if (_tokens.SkipOperator(")")) break;
            var parameter = _tokens.Expect(TokenKind.Name, "a parameter's name").Value;
            if (!names.Add(parameter)) throw _tokens.Fail($"the parameter '{parameter}' is named twice");
            var fallback = _tokens.SkipOperator("=") ? _expressions.Parse() : null;
            if (fallback is null && needsDefault) throw _tokens.Fail("a parameter without a default follows one with a default");
            needsDefault = fallback is not null;
            parameters.Add((parameter, fallback));
        }
        return parameters;
    }

    private Macro ParseMacroBody(string name, List<(string, Expression?)> parameters, string ending)
    {
        var outside = _expressions.NamesRead;
        _expressions.NamesRead = new HashSet<string>(StringComparer.Ordinal);
        var body = ParseCaptured(ending);
        var inside = _expressions.NamesRead;
        _expressions.NamesRead = outside;
        outside.UnionWith(inside);
        return new Macro(name, parameters, body, inside);
    }

    private With ParseWith(Position at)
    {
        var assignments = new List<(Target, Expression)>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0) _tokens.ExpectOperator(",");
            var target = ParseSingleTarget(mayBeAttribute: false);
            _tokens.ExpectOperator("=");
            assignments.Add((target, _expressions.Parse()));
        }
        return new With(assignments, ParseUntil("endwith"), at);
    }

    /// <summary>The rest of a tag, then a body up to the tag that ends it.</summary>
    private Body ParseUntil(string ending)
    {
        EndTag();
        var body = ParseBody(ending);
        _tokens.ExpectName(ending);
        EndTag();
        return body;
    }

    /// <summary>A body that is captured as text, out of which a loop's break and continue cannot jump.</summary>
    private Body ParseCaptured(string ending)
    {
        var loops = _loops;
        _loops = 0;
        var body = ParseUntil(ending);
        _loops = loops;
        return body;
    }

    private Target ParseTarget(bool mayBeAttribute, bool isLoopTarget = false)
    {
        var first = ParseSingleTarget(mayBeAttribute, isLoopTarget);
        if (!_tokens.Current.IsOperator(",")) return first;
        var parts = new List<Target> { first };
        while (_tokens.SkipOperator(","))
        {
            if (_tokens.Current.Kind == TokenKind.BlockEnd || _tokens.Current.IsOperator(")") || _tokens.Current.IsOperator("=")
                || _tokens.Current.IsName("in")) break;
            parts.Add(ParseSingleTarget(mayBeAttribute, isLoopTarget));
        }
        return new Target("", null, parts);
    }

    private Target ParseSingleTarget(bool mayBeAttribute, bool isLoopTarget = false)
    {
        if (_tokens.SkipOperator("("))
        {
            var inner = _tokens.Deeper(() => ParseTarget(mayBeAttribute: false, isLoopTarget));
            _tokens.ExpectOperator(")");
            return inner;
        }
        var name = _tokens.Expect(TokenKind.Name, "a name");
        if (name.Value == "loop" && (_loops > 0 || isLoopTarget)) throw new TemplateException("a loop cannot set 'loop'") { At = name.At };
        if (name.Value is "true" or "True" or "false" or "False" or "none" or "None")
            throw new TemplateException($"'{name.Value}' cannot be set") { At = name.At };
        var attribute = mayBeAttribute && _tokens.SkipOperator(".") ? _tokens.Expect(TokenKind.Name, "an attribute's name").Value : null;
        return new Target(name.Value, attribute, null);
    }

    private void EndTag() => EndTag(TokenKind.BlockEnd, "'%}'");

    private void EndTag(TokenKind kind, string description)
    {
        _expressions.RequireKnownNames(mayNeverRun: _conditions > 0);
        _tokens.Expect(kind, description);
    }
}
