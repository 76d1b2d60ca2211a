using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <content>Operands: names, literals, what is taken from them and called on them, filters and tests.</content>
internal sealed partial class ExpressionParser
{
    private static readonly string[] s_wordsAfterTest = ["else", "or", "and", "if", "is", "in", "not"];

    /// <summary>'| filter(…)' and 'is test', repeated, after an expression.</summary>
    public Expression ParseFilters(Expression target)
    {
        while (true)
        {
            var here = tokens.Here;
            if (tokens.SkipOperator("|")) target = ParseFilter(target);
            else if (tokens.SkipName("is")) target = ParseTest(target, here);
            else if (tokens.Current.IsOperator("(")) target = new Call(target, ParseArguments(), here);
            else return target;
        }
    }

    public Expression ParseFilter(Expression target)
    {
        var here = tokens.Here;
        var name = ParseDottedName("a filter's name");
        if (!Filters.Exists(name)) _unknown ??= new TemplateException($"the filter '{name}' does not exist") { At = here };
        return new FilterCall(target, name, tokens.Current.IsOperator("(") ? ParseArguments() : new ArgumentList(), here);
    }

    private Expression ParsePrimary()
    {
        var token = tokens.Next();
        switch (token.Kind)
        {
            case TokenKind.Name: return ParseName(token);
            case TokenKind.String: return new Literal(ParseStrings(token), token.At);
            case TokenKind.Integer: return new Literal(ParseInteger(token), token.At);
            case TokenKind.Float: return new Literal(double.Parse(token.Value, CultureInfo.InvariantCulture), token.At);
            case TokenKind.Operator when token.Value is "(":
                if (tokens.SkipOperator(")")) return new ListLiteral([], isTuple: true, token.At);
                var inner = ParseTuple();
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Value is "[": return ParseList(token.At);
            case TokenKind.Operator when token.Value is "{": return ParseMapping(token.At);
            default: throw new TemplateException($"an expression is expected, but there is {token}") { At = token.At };
        }
    }

    private Expression ParseName(Token token)
    {
        switch (token.Value)
        {
            case "true" or "True": return new Literal(true, token.At);
            case "false" or "False": return new Literal(false, token.At);
            case "none" or "None": return new Literal(null, token.At);
            default:
                NamesRead.Add(token.Value);
                return new Variable(token.Value, token.At);
        }
    }

    /// <summary>Strings that follow each other are one.</summary>
    private string ParseStrings(Token first)
    {
        if (tokens.Current.Kind != TokenKind.String) return first.Value;
        var text = new StringBuilder(first.Value);
        while (tokens.Current.Kind == TokenKind.String) text.Append(tokens.Next().Value);
        return text.ToString();
    }

    private static object ParseInteger(Token token)
    {
        try
        {
            return Numbers.ParseInteger(token.Value, 0, new RenderState(TimeProvider.System))
                ?? throw new TemplateException($"the number '{token.Value}' is not understood");
        }
        catch (TemplateException failure) when (failure.Locate(token.At))
        {
            throw;
        }
    }

    private ListLiteral ParseList(Position here)
    {
        var items = new List<Expression>();
        while (!tokens.SkipOperator("]"))
        {
            if (items.Count > 0) tokens.ExpectOperator(",");
            if (tokens.SkipOperator("]")) break;
            items.Add(Parse());
        }
        return new ListLiteral(items, isTuple: false, here);
    }

    private MappingLiteral ParseMapping(Position here)
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
        return new MappingLiteral(pairs, here);
    }

    private Expression ParsePostfix(Expression target)
    {
        while (true)
        {
            var here = tokens.Here;
            if (tokens.SkipOperator("."))
            {
                target = tokens.Current.Kind == TokenKind.Integer
                    ? new ItemAccess(target, ParsePrimary(), here)
                    : new AttributeAccess(target, tokens.Expect(TokenKind.Name, "an attribute's name").Value, here);
            }
            else if (tokens.SkipOperator("[")) target = ParseSubscript(target, here);
            else if (tokens.Current.IsOperator("(")) target = new Call(target, ParseArguments(), here);
            else return target;
        }
    }

    private Expression ParseSubscript(Expression target, Position here)
    {
        var start = tokens.Current.IsOperator(":") ? null : ParseTuple();
        if (start is not null && tokens.SkipOperator("]")) return new ItemAccess(target, start, here);
        tokens.ExpectOperator(":");
        var stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : Parse();
        var step = tokens.SkipOperator(":") && !tokens.Current.IsOperator("]") ? Parse() : null;
        tokens.ExpectOperator("]");
        return new SliceAccess(target, start, stop, step, here);
    }

    /// <summary>The arguments of a call, from '(' to ')'.</summary>
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

    private Expression ParseTest(Expression target, Position here)
    {
        var negated = tokens.SkipName("not");
        var at = tokens.Here;
        var name = ParseDottedName("a test's name");
        if (!Tests.Exists(name)) _unknown ??= new TemplateException($"the test '{name}' does not exist") { At = at };
        var arguments = new ArgumentList();
        if (tokens.Current.IsOperator("(")) arguments = ParseArguments();
        else if (StartsTestArgument()) arguments.Positional.Add((ParsePostfix(ParsePrimary()), false));
        Expression test = new TestCall(target, name, arguments, here);
        return negated ? new Not(test, here) : test;
    }

    private string ParseDottedName(string description)
    {
        var name = tokens.Expect(TokenKind.Name, description).Value;
        while (tokens.SkipOperator(".")) name += "." + tokens.Expect(TokenKind.Name, description).Value;
        return name;
    }

    private bool StartsTestArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Name, Value: var word } => !s_wordsAfterTest.Contains(word),
        { Kind: TokenKind.String or TokenKind.Integer or TokenKind.Float } => true,
        { Kind: TokenKind.Operator, Value: "[" or "{" } => true,
        _ => false,
    };
}
