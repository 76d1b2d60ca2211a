namespace Beear.Data;

/// <summary>A thing to do, which becomes a request in a form such as "How can I {do}?".</summary>
/// <param name="Do">In the infinitive, for example "bake a loaf of sourdough bread".</param>
/// <param name="Doing">As a gerund, for example "baking a loaf of sourdough bread".</param>
internal sealed record RequestTask(string Do, string Doing)
{
    /// <summary>The request for the task in a form.</summary>
    /// <param name="form">A text that holds <c>{do}</c> or <c>{doing}</c>.</param>
    public string In(string form) => form.Replace("{do}", Do, StringComparison.Ordinal).Replace("{doing}", Doing, StringComparison.Ordinal);
}
