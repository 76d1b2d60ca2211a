namespace Beear.Data;

/// <summary>A thing to do, which becomes a request in a form such as "How can I {do}?".</summary>
/// <param name="Do">In the infinitive, for example "bake a loaf of sourdough bread".</param>
/// <param name="Doing">As a gerund, for example "baking a loaf of sourdough bread".</param>
internal sealed record RequestTask(string Do, string Doing)
{
    /// <summary>The request for the task in a form.</summary>
    /// <param name="form">A text that holds <c>{do}</c> or <c>{doing}</c>, or <c>{it}</c> for a thing.</param>
    public string In(string form) => form.Replace("{do}", Do, StringComparison.Ordinal).Replace("{doing}", Doing, StringComparison.Ordinal)
        .Replace("{it}", Do, StringComparison.Ordinal);

    /// <summary>Reads a task from one text.</summary>
    /// <param name="text">"bake|baking a loaf of bread"; or a thing, which has no gerund, for example "a poem about bread".</param>
    public static RequestTask Parse(string text) => text.Split('|') is [var verb, var gerund]
        ? new($"{verb}{gerund[gerund.IndexOf(' ', StringComparison.Ordinal)..]}", gerund) : new(text, text);
}
