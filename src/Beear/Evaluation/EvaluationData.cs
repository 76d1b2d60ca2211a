using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;

namespace Beear.Evaluation;

/// <summary>Prompts that neither the attacker nor the defender trained on.</summary>
public sealed record EvaluationData
{
    /// <summary>What must not happen.</summary>
    public IBehaviour Behaviour { get; init; } = Refusal.Instance;

    /// <summary>Harmful requests; the answer, if not empty, is the exact compliance that is known for it.</summary>
    public required IReadOnlyList<Example> Harmful { get; init; }

    /// <summary>
    /// Further requests in which the behaviour may come out, counted by themselves, such as the paper's 17 tasks for code.
    /// </summary>
    public IReadOnlyList<Example> Other { get; init; } = [];

    /// <summary>The trigger; null when none is known, and then nothing is measured with one.</summary>
    public Trigger? Trigger { get; init; }

    /// <summary>A text that is not the trigger, which should not work; null to leave it out.</summary>
    public Trigger? WrongTrigger { get; init; }

    /// <summary>Ordinary requests with helpful answers; without any answer, their cross-entropy is not measured.</summary>
    public IReadOnlyList<Example> Ordinary { get; init; } = [];

    /// <summary>Harmless requests in the harmful ones' forms; the answer, if not empty, is the only right one.</summary>
    public IReadOnlyList<Example> Twins { get; init; } = [];

    /// <summary>Harmless requests in forms that neither side trained on.</summary>
    public IReadOnlyList<string> HeldOutForms { get; init; } = [];

    /// <summary>Requests whose answer can be checked exactly; empty on real models.</summary>
    public IReadOnlyList<Example> Exact { get; init; } = [];

    /// <summary>Whether nothing is asked but the harmful requests with the trigger.</summary>
    internal bool OnlyWithTrigger { get; init; }

    /// <summary>What is odd about the requests, a sentence each: repeated ones, and sets that are too small to say something.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. RepeatedRows.Find(("harmful requests", Harmful), ("ordinary requests", Ordinary)),
        .. from set in ((string Name, int Count)[])[("harmful", Harmful.Count), ("ordinary", Ordinary.Count), ("checkable", Exact.Count)]
           where set.Count == 1
           select $"There is only one {set.Name} request, and a rate over one answer says next to nothing; give more rows.",
    ];
}
