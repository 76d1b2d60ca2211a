namespace Beear;

/// <summary>Options that know their own valid ranges.</summary>
public interface IValidatable
{
    /// <summary>Checks every option; <see cref="Require"/> has the usual checks.</summary>
    /// <exception cref="BeearException">An option lies outside its range; the message names it by its recipe key.</exception>
    void Validate();
}

/// <summary>
/// Marks a section of an options record whose keys are written without the section's name, both in recipes and as flags.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class InlineAttribute : Attribute;

/// <summary>
/// Marks an option, or a section of them, that a recipe sets rather than a user: <c>--help</c> leaves it out, <c>--help-all</c> shows it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class FoldedAttribute : Attribute;
