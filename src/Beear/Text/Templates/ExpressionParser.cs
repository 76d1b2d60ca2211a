using System.Globalization;

namespace Beear.Text.Templates;

/// <summary>Parses expressions by Jinja's precedence: if, or, and, not, comparisons, + -, ~, * / // %, **, signs, then postfixes and filters.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private static readonly string[] s_comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private static readonly string[] s_wordsAfterTest = ["else", "or", "and", "if", "is", "in", "not"];

    public Expression Parse() => tokens.Deeper(ParseConditional);

    /// <summary>An expression or, with commas, a list of expressions.</summary>
    public Expression ParseTuple()
    {
        var first = Parse();
        if (!tokens.Current.IsOperator(",")) return first;
        var items = new List<Expression> { first };
        while (tokens.SkipOperator(","))
        {
            if (tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.OutputEnd || tokens.Current.IsOperator(")")) break;
            items.Add(Parse());
        }
        return new ListLiteral(items, isTuple: true);
    }

    /// <summary>The source of a for block, where 'if' begins the loop's filter.</summary>
    public Expression ParseWithoutCondition() => tokens.Deeper(ParseOr);

    /// <summary>'| filter(…)' and 'is test', repeated, after an expression.</summary>
    public Expression ParseFilters(Expression target)
    {
        while (true)
        {
            if (tokens.SkipOperator("|")) target = ParseFilter(target);
            else if (tokens.SkipName("is")) target = ParseTest(target);
            else if (tokens.Current.IsOperator("(")) target = new Call(target, ParseArguments());
            else return target;
        }
    }

    public Expression ParseFilter(Expression target)
    {
        var name = tokens.Expect(TokenKind.Name, "a filter's name").Value;
        if (!Filters.Exists(name)) throw tokens.Fail($"the filter '{name}' does not exist");
        return new FilterCall(target, name, ParseOptionalArguments());
    }

    private Expression ParseConditional()
    {
        var value = ParseOr();
        while (tokens.SkipName("if"))
        {
            var condition = ParseOr();
            value = new Conditional(condition, value, tokens.SkipName("else") ? Parse() : null);
        }
        return value;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.SkipName("or")) left = new Logical(left, ParseAnd(), isAnd: false);
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.SkipName("and")) left = new Logical(left, ParseNot(), isAnd: true);
        return left;
    }

    private Expression ParseNot() => tokens.SkipName("not") ? new Not(tokens.Deeper(ParseNot)) : ParseComparison();

    private Expression ParseComparison()
    {
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && s_comparisons.Contains(tokens.Current.Value)) rest.Add((tokens.Next().Value, ParseSum()));
            else if (tokens.SkipName("in")) rest.Add(("in", ParseSum()));
            else if (tokens.Current.IsName("not") && tokens.Peek.IsName("in"))
            {
                tokens.Next();
                tokens.Next();
                rest.Add(("not in", ParseSum()));
            }
            else return rest.Count == 0 ? first : new Comparison(first, rest);
        }
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation()
    {
        var parts = new List<Expression> { ParseProduct() };
        while (tokens.SkipOperator("~")) parts.Add(ParseProduct());
        return parts.Count == 1 ? parts[0] : new Concatenation(parts);
    }

    private Expression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilters: true), "**");

    private Expression ParseBinary(Func<Expression> parseOperand, params ReadOnlySpan<string> symbols)
    {
        var left = parseOperand();
        while (tokens.Current.Kind == TokenKind.Operator && symbols.Contains(tokens.Current.Value))
        {
            left = new Binary(tokens.Next().Value, left, parseOperand());
        }
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Expression value;
        if (tokens.SkipOperator("-")) value = new Sign(tokens.Deeper(() => ParseUnary(withFilters: false)), negative: true);
        else if (tokens.SkipOperator("+")) value = new Sign(tokens.Deeper(() => ParseUnary(withFilters: false)), negative: false);
        else value = ParsePostfix(ParsePrimary());
        return withFilters ? ParseFilters(value) : value;
    }

    private Expression ParsePrimary()
    {
        var token = tokens.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Value switch
                {
                    "true" or "True" => new Literal(true),
                    "false" or "False" => new Literal(false),
                    "none" or "None" => new Literal(null),
                    var name => new Variable(name),
                };
            case TokenKind.String:
                var text = token.Value;
                while (tokens.Current.Kind == TokenKind.String) text += tokens.Next().Value;
                return new Literal(text);
            case TokenKind.Integer when long.TryParse(token.Value, CultureInfo.InvariantCulture, out var integer):
                return new Literal(integer);
            case TokenKind.Float:
                return new Literal(double.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Value is "(":
                if (tokens.SkipOperator(")")) return new ListLiteral([], isTuple: true);
                var inner = ParseTuple();
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Value is "[": return ParseList();
            case TokenKind.Operator when token.Value is "{": return ParseMapping();
            default: throw new TemplateException($"an expression is expected, but there is {token}") { Line = token.Line };
        }
    }

    private ListLiteral ParseList()
    {
        var items = new List<Expression>();
        while (!tokens.SkipOperator("]"))
        {
            if (items.Count > 0) tokens.ExpectOperator(",");
            if (tokens.SkipOperator("]")) break;
            items.Add(Parse());
        }
        return new ListLiteral(items);
    }

    private MappingLiteral ParseMapping()
    {
        var pairs = new List<(Expression, Expression)>();
        while (!tokens.SkipOperator("}"))
        {
            if (pairs.Count > 0) tokens.ExpectOperator(",");
            if (tokens.SkipOperator("}")) break;
            var key = Parse();
            tokens.ExpectOperator(":");
            pairs.Add((key, Parse()));
        }
        return new MappingLiteral(pairs);
    }

    private Expression ParsePostfix(Expression target)
    {
        while (true)
        {
            if (tokens.SkipOperator("."))
            {
                target = tokens.Current.Kind == TokenKind.Integer
                    ? new ItemAccess(target, ParsePrimary())
                    : new AttributeAccess(target, tokens.Expect(TokenKind.Name, "an attribute's name").Value);
            }
            else if (tokens.SkipOperator("[")) target = ParseSubscript(target);
            else if (tokens.Current.IsOperator("(")) target = new Call(target, ParseArguments());
            else return target;
        }
    }

    private Expression ParseSubscript(Expression target)
    {
        var start = tokens.Current.IsOperator(":") ? null : Parse();
        if (start is not null && tokens.SkipOperator("]")) return new ItemAccess(target, start);
        tokens.ExpectOperator(":");
        var stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : Parse();
        var step = tokens.SkipOperator(":") && !tokens.Current.IsOperator("]") ? Parse() : null;
        tokens.ExpectOperator("]");
        return new SliceAccess(target, start, stop, step);
    }

    private ArgumentList ParseOptionalArguments() => tokens.Current.IsOperator("(") ? ParseArguments() : new ArgumentList();

    private ArgumentList ParseArguments()
    {
        var arguments = new ArgumentList();
        tokens.ExpectOperator("(");
        for (var first = true; !tokens.SkipOperator(")"); first = false)
        {
            if (!first) tokens.ExpectOperator(",");
            if (tokens.SkipOperator(")")) break;
            if (tokens.SkipOperator("*")) arguments.Positional.Add((Parse(), true));
            else if (tokens.SkipOperator("**")) arguments.Named.Add((null, Parse()));
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Peek.IsOperator("="))
            {
                var name = tokens.Next().Value;
                tokens.ExpectOperator("=");
                arguments.Named.Add((name, Parse()));
            }
            else if (arguments.Named.Count > 0) throw tokens.Fail("an argument without a name follows one with a name");
            else arguments.Positional.Add((Parse(), false));
        }
        return arguments;
    }

    private Expression ParseTest(Expression target)
    {
        var negated = tokens.SkipName("not");
        var name = tokens.Expect(TokenKind.Name, "a test's name").Value;
        if (!Tests.Exists(name)) throw tokens.Fail($"the test '{name}' does not exist");
        ArgumentList arguments;
        if (tokens.Current.IsOperator("(")) arguments = ParseArguments();
        else
        {
            arguments = new ArgumentList();
            if (StartsTestArgument()) arguments.Positional.Add((ParsePostfix(ParsePrimary()), false));
        }
        Expression test = new TestCall(target, name, arguments);
        return negated ? new Not(test) : test;
    }

    private bool StartsTestArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Name, Value: var word } => !s_wordsAfterTest.Contains(word),
        { Kind: TokenKind.String or TokenKind.Integer or TokenKind.Float } => true,
        { Kind: TokenKind.Operator, Value: "[" or "{" } => true,
        _ => false,
    };
}
