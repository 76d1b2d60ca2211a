namespace Beear.Text.Templates;

/// <summary>
/// Parses expressions by Jinja's precedence: if, or, and, not, comparisons, + -, ~, * / // %, ** (from the left), signs, then postfixes,
/// filters and tests.
/// </summary>
internal sealed partial class ExpressionParser(TokenStream tokens)
{
    private static readonly string[] s_comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>What to say about a filter or test that does not exist, unless it stands where code may never run.</summary>
    private TemplateException? _unknown;

    /// <summary>
    /// The names that expressions have read since this was last replaced; a macro takes some of them as special arguments.
    /// </summary>
    public HashSet<string> NamesRead { get; set; } = new(StringComparer.Ordinal);

    public Expression Parse() => tokens.Deeper(ParseConditional);

    /// <summary>Fails if a filter or test that does not exist was read and will certainly run.</summary>
    /// <param name="mayNeverRun">Where this is so, such a filter is an error only when it is reached.</param>
    public void RequireKnownNames(bool mayNeverRun)
    {
        if (_unknown is { } failure && !mayNeverRun) throw failure;
        _unknown = null;
    }

    /// <summary>An expression or, with commas, a tuple of expressions.</summary>
    public Expression ParseTuple() => ParseTuple(Parse);

    /// <summary>The source of a for block, where 'if' begins the loop's filter.</summary>
    public Expression ParseTupleWithoutCondition() => ParseTuple(() => tokens.Deeper(ParseOr));

    private Expression ParseTuple(Func<Expression> parse)
    {
        var here = tokens.Here;
        var first = parse();
        if (!tokens.Current.IsOperator(",")) return first;
        var items = new List<Expression> { first };
        while (tokens.SkipOperator(","))
        {
            if (tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.OutputEnd || tokens.Current.IsOperator(")")
                || tokens.Current.IsName("recursive")) break;
            items.Add(parse());
        }
        return new ListLiteral(items, isTuple: true, here);
    }

    private Expression ParseConditional()
    {
        var (here, unknown) = (tokens.Here, _unknown);
        var value = ParseOr();
        while (tokens.SkipName("if"))
        {
            var condition = ParseOr();
            value = new Conditional(condition, value, tokens.SkipName("else") ? Parse() : null, here);
            _unknown = unknown;
        }
        return value;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.Current.IsName("or")) left = new Logical(left, AfterOperator(ParseAnd, out var here), isAnd: false, here);
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.Current.IsName("and")) left = new Logical(left, AfterOperator(ParseNot, out var here), isAnd: true, here);
        return left;
    }

    private Expression ParseNot()
    {
        var here = tokens.Here;
        return tokens.SkipName("not") ? new Not(tokens.Deeper(ParseNot), here) : ParseComparison();
    }

    private Expression ParseComparison()
    {
        var here = tokens.Here;
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator
                && s_comparisons.Contains(tokens.Current.Value)) rest.Add((tokens.Next().Value, ParseSum()));
            else if (tokens.SkipName("in")) rest.Add(("in", ParseSum()));
            else if (tokens.Current.IsName("not") && tokens.Peek.IsName("in"))
            {
                tokens.Next();
                tokens.Next();
                rest.Add(("not in", ParseSum()));
            }
            else return rest.Count == 0 ? first : new Comparison(first, rest, here);
        }
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation()
    {
        var here = tokens.Here;
        var parts = new List<Expression> { ParseProduct() };
        while (tokens.SkipOperator("~")) parts.Add(ParseProduct());
        return parts.Count == 1 ? parts[0] : new Concatenation(parts, here);
    }

    private Expression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilters: true), "**");

    private Expression ParseBinary(Func<Expression> parseOperand, params ReadOnlySpan<string> symbols)
    {
        var left = parseOperand();
        while (tokens.Current.Kind == TokenKind.Operator && symbols.Contains(tokens.Current.Value))
        {
            var symbol = tokens.Current.Value;
            left = new Binary(symbol, left, AfterOperator(parseOperand, out var here), here);
        }
        return left;
    }

    private Expression AfterOperator(Func<Expression> parse, out Position here)
    {
        here = tokens.Next().At;
        return parse();
    }

    private Expression ParseUnary(bool withFilters)
    {
        var here = tokens.Here;
        Expression value;
        if (tokens.SkipOperator("-")) value = new Sign(tokens.Deeper(() => ParseUnary(withFilters: false)), negative: true, here);
        else if (tokens.SkipOperator("+")) value = new Sign(tokens.Deeper(() => ParseUnary(withFilters: false)), negative: false, here);
        else value = ParsePrimary();
        value = ParsePostfix(value);
        return withFilters ? ParseFilters(value) : value;
    }
}
