namespace Beear.Text.Templates;

/// <summary>The functions every chat template can call: jinja2's, and those that transformers adds.</summary>
internal static class Globals
{
    public static void Define(Scope scope)
    {
        void Add(string name, Func<Arguments, RenderState, object?> call) => scope.Set(name, new Callable(name, call));
        Add("namespace", (arguments, state) => new NamespaceValue(ToMapping(arguments, state)));
        Add("dict", ToMapping);
        Add("range", (arguments, _) => Range(arguments));
        Add("cycler", (arguments, _) => Cycler(arguments.Positional));
        Add("joiner", (arguments, _) => Joiner(arguments.Get(0, "sep", ", ")));
        Add("lipsum", (_, _) => throw new TemplateException(
            "'lipsum' is not supported: a chat template has to give the same text each time"));
        Add("raise_exception", (arguments, state) =>
            throw new TemplateException(PythonRepr.Str(arguments.Require(0, "message"), state)) { IsRefusal = true });
        Add("strftime_now", (arguments, state) =>
            PythonTime.Format(state.Clock.GetLocalNow().DateTime, arguments.RequireText(0, "format"), state));
    }

    private static Mapping ToMapping(Arguments arguments, RenderState state)
    {
        var mapping = new Mapping();
        foreach (var source in arguments.Positional)
        {
            if (source is Undefined undefined) throw undefined.Fail();
            if (source is Mapping other) mapping.AddAll(CollectionMethods.Copy(other, state));
            else foreach (var pair in Values.Iterate(source, state))
            {
                if (Values.Iterate(pair, state) is not [var key, var value]) throw new TemplateException("a mapping is made of pairs");
                state.ChargeItems(2);
                state.ChargeKey(key);
                mapping[key] = value;
            }
        }
        foreach (var (name, value) in arguments.Named) mapping[name] = value;
        return mapping;
    }

    private static RangeValue Range(Arguments arguments)
    {
        var single = arguments.Positional.Count == 1;
        var start = single ? 0 : Values.ToInteger(arguments.Require(0, "start"));
        return RangeValue.Create(start, Values.ToInteger(arguments.Require(single ? 0 : 1, "stop")), arguments.Integer(2, "step", 1));
    }

    private static NamespaceValue Cycler(List<object?> items)
    {
        if (items.Count == 0) throw new TemplateException("'cycler' needs values");
        var (at, attributes) = (0, new Mapping());
        attributes["current"] = items[0];
        object? Move(int to)
        {
            at = to % items.Count;
            attributes["current"] = items[at];
            return items[at];
        }
        attributes["next"] = new Callable("next", (_, _) =>
        {
            var current = items[at];
            Move(at + 1);
            return current;
        });
        attributes["reset"] = new Callable("reset", (_, _) =>
        {
            Move(0);
            return null;
        });
        return new NamespaceValue(attributes);
    }

    private static Callable Joiner(object? separator)
    {
        var isUsed = false;
        return new Callable("joiner", (_, _) =>
        {
            var text = isUsed ? separator : "";
            isUsed = true;
            return text;
        });
    }
}
