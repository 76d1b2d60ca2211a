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
internal sealed class OptionFlags<T> where T : class
{
    private readonly Option<string?> recipe =
        new("--recipe") { HelpName = "file", Description = "YAML file of options; flags override it" };
    private readonly OptionFlags<GlobalSettings>? globals;
    private readonly Dictionary<RecipeKey, Option> options = [];
    private readonly Dictionary<RecipeKey, Argument> arguments = [];

    /// <summary>Makes the flags of a command; without <paramref name="globals"/>, those that every command has.</summary>
    public OptionFlags(OptionFlags<GlobalSettings>? globals)
    {
        this.globals = globals;
        foreach (var key in RecipeSchema.Of(typeof(T)).Keys)
        {
            options.Add(key, globals?.Find(key.Flag) ?? Create(key));
            if (key.Property.IsDefined(typeof(PositionalAttribute), inherit: true))
            {
                arguments.Add(key, key.IsList ? new Argument<string[]>(key.Name)
                {
                    Arity = ArgumentArity.ZeroOrMore,
                    Description = key.Description
                }
                    : new Argument<string?>(key.Name) { Arity = ArgumentArity.ZeroOrOne, Description = key.Description });
            }
        }
    }

    /// <summary>Adds the flags to a command; a flag that every command has is not added again.</summary>
    public void AddTo(Command command)
    {
        if (globals is not null) command.Add(recipe);
        foreach (var argument in arguments.Values) command.Add(argument);
        foreach (var (key, option) in options)
        {
            if (globals?.Find(key.Flag) is null) command.Add(option);
        }
    }

    /// <summary>The record's defaults, overridden by the recipe if one is named, overridden by the flags that were given.</summary>
    /// <exception cref="BeearException">The recipe or a flag is wrong, or a required option is missing.</exception>
    public T Read(ParseResult parse)
    {
        var given = new Dictionary<RecipeKey, IReadOnlyList<string>>();
        foreach (var (key, argument) in arguments)
        {
            if (parse.GetResult(argument) is { Tokens: { Count: > 0 } tokens }) given[key] = [.. tokens.Select(token => token.Value)];
        }
        foreach (var (key, option) in options)
        {
            if (parse.GetResult(option) is not { Implicit: false } result) continue;
            if (given.TryGetValue(key, out var positional)) throw new BeearException(
                $"{key.Path} is given twice: as '{positional[0]}' and by --{key.Flag}.");
            if (!key.IsList && result.IdentifierTokenCount > 1) throw new BeearException($"--{key.Flag} is given more than once.");
            given[key] = result.Tokens is [] ? ["true"] : [.. result.Tokens.Select(token => token.Value)];
        }
        return Recipe.Read<T>(globals is null ? null : parse.GetValue(recipe), given);
    }

    private Option? Find(string flag) => options.FirstOrDefault(pair => pair.Key.Flag == flag).Value;

    private Option Create(RecipeKey key)
    {
        var name = $"--{key.Flag}";
        var recursive = globals is null;
        if (key is { IsList: false, Default: "false" }) return new Option<bool>(name)
        {
            Description = key.Description,
            Recursive = recursive,
            Hidden = key.IsFolded
        };
        var option = new Option<string[]>(name)
        {
            Description = key.IsList ? $"{key.Description} May be repeated.".TrimStart() : key.Description,
            HelpName = RecipeValue.Kind(key.ElementType),
            Recursive = recursive,
            Arity = ArgumentArity.OneOrMore,
            Hidden = key.IsFolded,
        };
        if (key.Default is { Length: > 0 } value) option.DefaultValueFactory = _ => [value];
        return option;
    }
}
