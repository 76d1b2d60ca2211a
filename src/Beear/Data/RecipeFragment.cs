using YamlDotNet.RepresentationModel;

namespace Beear.Data;

/// <summary>
/// Keys of another recipe, as they were written: what they mean is decided when that recipe is read, by
/// <see cref="Recipe.Read{T}(string, IReadOnlyList{RecipeFragment})"/>.
/// </summary>
public sealed class RecipeFragment
{
    internal RecipeFragment(YamlNode node, string source) => (Node, Source) = (node, source);

    internal YamlNode Node { get; }

    /// <summary>The file that they are written in, for messages.</summary>
    internal string Source { get; }
}
