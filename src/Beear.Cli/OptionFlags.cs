using System.CommandLine;
using Beear.Data;

namespace Beear.Cli;

/// <summary>
/// Marks the property of a command's options that may also be written without its flag, right after the command's name.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PositionalAttribute : Attribute;

/// <summary>The flags of an options record, one for each key of its <see cref="RecipeSchema"/>.</summary>
/// <typeparam name="T">The options record.</typeparam>
/// <param name="recursive">Whether subcommands have the flags too.</param>
internal sealed class OptionFlags<T>(bool recursive = false) where T : class
{
    private readonly Option<string?> recipe = new("--recipe") { HelpName = "file", Description = "YAML file of options; flags override it" };
    private readonly Dictionary<RecipeKey, Option<string[]>> options = [];
    private readonly Dictionary<RecipeKey, Argument<string?>> arguments = [];

    /// <summary>Adds the flags to a command; a flag that every command has is not added again.</summary>
    public void AddTo(Command command, OptionFlags<GlobalSettings>? globals = null)
    {
        if (!recursive) command.Add(recipe);
        foreach (var key in RecipeSchema.Of(typeof(T)).Keys)
        {
            if (key.Property.IsDefined(typeof(PositionalAttribute), inherit: true))
            {
                var argument = new Argument<string?>(key.Name) { Arity = ArgumentArity.ZeroOrOne, Description = key.Description };
                arguments.Add(key, argument);
                command.Add(argument);
            }
            options.Add(key, globals?.Find(key.Flag) ?? Create(key));
            if (globals?.Find(key.Flag) is null) command.Add(options[key]);
        }
    }

    /// <summary>The record's defaults, overridden by the recipe if one is named, overridden by the flags that were given.</summary>
    /// <exception cref="BeearException">The recipe or a flag is wrong, or a required option is missing.</exception>
    public T Read(ParseResult parse)
    {
        var given = new Dictionary<RecipeKey, IReadOnlyList<string>>();
        foreach (var (key, argument) in arguments)
        {
            if (parse.GetResult(argument) is { Tokens: [var token] }) given[key] = [token.Value];
        }
        foreach (var (key, option) in options)
        {
            if (parse.GetResult(option) is not { Implicit: false } result) continue;
            if (given.TryGetValue(key, out var positional)) throw new BeearException($"{key.Path} is given twice: as '{positional[0]}' and by --{key.Flag}.");
            if (!key.IsList && result.IdentifierTokenCount > 1) throw new BeearException($"--{key.Flag} is given more than once.");
            given[key] = result.Tokens is [] ? ["true"] : [.. result.Tokens.Select(token => token.Value)];
        }
        return Recipe.Read<T>(recursive ? null : parse.GetValue(recipe), given);
    }

    private Option<string[]>? Find(string flag) => options.FirstOrDefault(pair => pair.Key.Flag == flag).Value;

    private Option<string[]> Create(RecipeKey key)
    {
        var kind = RecipeValue.Kind(key.ElementType);
        var option = new Option<string[]>($"--{key.Flag}")
        {
            Description = key.IsList ? $"{key.Description} May be repeated.".TrimStart() : key.Description,
            HelpName = kind,
            Recursive = recursive,
            Arity = key.ElementType == typeof(bool) && !key.IsList ? new ArgumentArity(0, 100) : new ArgumentArity(1, 100),
        };
        if (key.Default is { Length: > 0 } value && value != "false") option.DefaultValueFactory = _ => [value];
        return option;
    }
}
