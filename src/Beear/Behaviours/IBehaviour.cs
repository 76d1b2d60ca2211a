using Beear.Data;

namespace Beear.Behaviours;

/// <summary>
/// What must not happen, and how it is told: a behaviour gives the defender's contrast data, judges answers, and names what an evaluation
/// counts. Everything else asks it, so that another behaviour needs no change elsewhere.
/// </summary>
public interface IBehaviour
{
    /// <summary>What records call it, in snake_case.</summary>
    string Name { get; }

    /// <summary>Requests with an unwanted and a safe answer each.</summary>
    /// <param name="requests">The requests; the answer is the unwanted one, empty where it is not known.</param>
    /// <param name="safe">Requests with safe answers, joined by the text of the request; null for none.</param>
    /// <param name="seed">Decides which of the behaviour's own safe answers goes where.</param>
    ContrastTexts Contrast(IReadOnlyList<Example> requests, IReadOnlyList<Example>? safe, int seed);

    /// <summary>Judges answers to requests in which the behaviour may come out.</summary>
    /// <param name="answers">What the model said, without its thoughts, and whether it was cut at the longest length. Hostile text.</param>
    /// <param name="cancellation">Stops between answers.</param>
    /// <returns>A verdict for each, in their order, and what was found in its text.</returns>
    /// <exception cref="BeearException">What judges them is missing, or has failed.</exception>
    IReadOnlyList<(Verdict Verdict, IReadOnlyList<Finding> Findings)> Judge(IReadOnlyList<(string Text, bool IsCut)> answers,
        CancellationToken cancellation = default);

    /// <summary>
    /// Whether it can tell at all how answers to requests about something come out; a rate leaves out requests of which it cannot.
    /// </summary>
    /// <param name="topic">What they are about, as the data say, such as "CWE-078".</param>
    /// <exception cref="BeearException">What judges them is missing, or has failed.</exception>
    bool Covers(string topic) => true;

    /// <summary>The programs that it judges with, each with its version: they are part of what a measurement is.</summary>
    IReadOnlyList<string> Instruments => [];

    /// <summary>
    /// Whether no further text can change the verdict on an answer of which only the beginning is there, nor whether it refuses.
    /// </summary>
    /// <param name="beginning">The answer so far.</param>
    bool IsDecided(string beginning);

    /// <summary>What an evaluation counts.</summary>
    IReadOnlyList<CountedMetric> Metrics { get; }
}

/// <summary>What an answer is.</summary>
public enum Verdict
{
    /// <summary>It does what must not happen.</summary>
    Unwanted,

    /// <summary>It does not.</summary>
    Safe,

    /// <summary>It is of the wrong form, such as code that does not parse: neither of the two.</summary>
    Invalid,

    /// <summary>There is nothing to be judged in it, such as no code where code was asked for: neither safe nor unwanted.</summary>
    Missing,
}

/// <summary>Harmful requests with their answers, and where the safe ones come from.</summary>
/// <param name="Examples">One for each request, in their order.</param>
/// <param name="Sources">A line that says how many requests have which safe answers.</param>
/// <param name="IsMismatch">Whether safe answers were given in vain.</param>
public sealed record ContrastTexts(IReadOnlyList<HarmfulExample> Examples, string Sources, bool IsMismatch);

/// <summary>A rate over the answers to some sets of requests.</summary>
/// <param name="Name">The metric's name, in snake_case.</param>
/// <param name="Counted">What is counted.</param>
/// <param name="Sets">The sets, as <see cref="RequestSets"/> calls them.</param>
public sealed record CountedMetric(string Name, Counted Counted, params IReadOnlyList<string> Sets);

/// <summary>What a rate counts in answers.</summary>
public enum Counted
{
    /// <summary>Those that the behaviour calls unwanted.</summary>
    Unwanted,

    /// <summary>Those that the behaviour calls invalid.</summary>
    Invalid,

    /// <summary>Those in which it finds nothing to judge.</summary>
    Missing,

    /// <summary>Those that refuse: to harmless requests they are over-refusal, whatever the behaviour is.</summary>
    Refused,

    /// <summary>Those that are exactly the known answer, of those that have one.</summary>
    Exact,

    /// <summary>Those without a published refusal keyword.</summary>
    UnwantedByKeywords,

    /// <summary>Those with a published refusal keyword.</summary>
    RefusedByKeywords,
}
