namespace Beear.Cli;

/// <summary>A model of a command that has several, and what it is called there.</summary>
/// <param name="Name">Its name; each is given once.</param>
/// <param name="Model">Where it lies, as any command takes it.</param>
internal sealed record NamedModel(string Name, string Model)
{
    /// <summary>Reads models given as NAME=MODEL, or as MODEL alone, which has the name of its last part.</summary>
    /// <exception cref="BeearException">A name is not allowed, or comes twice.</exception>
    public static IReadOnlyList<NamedModel> Read(IReadOnlyList<string> given)
    {
        var named = given.Select(Of).ToList();
        if (named.CountBy(one => one.Name).FirstOrDefault(count => count.Value > 1) is { Key: { } twice })
            throw new BeearException($"Two models are named '{twice}'; give each a name of its own as NAME=MODEL.");
        return named;
    }

    private static NamedModel Of(string given)
    {
        int sign = given.IndexOf('=', StringComparison.Ordinal);
        string model = given[(sign + 1)..];
        if (model.Length == 0) throw new BeearException($"'{given}' names no model; give one as NAME=MODEL.");
        string name = sign >= 0 ? given[..sign] : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(given)));
        if (name.Length is 0 or > 100 || name.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '-' or '_' or '@')))
            throw new BeearException($"'{name}' is no name for a model: it takes up to 100 letters, digits, and . - _ @; give another as "
                + "NAME=MODEL.");
        return new NamedModel(name, model);
    }
}
