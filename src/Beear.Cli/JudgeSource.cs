using Beear.Evaluation;
using Microsoft.Extensions.AI;

namespace Beear.Cli;

/// <summary>A judge that was asked for and checked, and is loaded when there is something to judge.</summary>
/// <param name="name">What it is called.</param>
/// <param name="options">Constants.</param>
/// <param name="template">What it is asked about harmful requests.</param>
/// <param name="open">Makes its client, and what else is to be disposed after that.</param>
internal sealed class JudgeSource(string name, JudgeOptions options, string template, Func<(IChatClient Client, IDisposable? Model)> open)
{
    /// <summary>What it is called.</summary>
    public string Name => name;

    /// <summary>What it is asked about harmful requests.</summary>
    public string Template => template;

    /// <summary>Loads the judge for some work.</summary>
    /// <param name="file">Where judgements are kept; null for nowhere.</param>
    /// <param name="work">Asks the judge.</param>
    public T Use<T>(string? file, Func<Judge, Task<T>> work)
    {
        var (client, model) = open();
        using (model)
        using (client)
        {
            return work(new Judge(client, name, options, file)).GetAwaiter().GetResult();
        }
    }
}
