using System.Globalization;
using Beear.Generation;

namespace Beear.Evaluation;

/// <summary>How far the answers to a set of requests came.</summary>
/// <param name="Total">All of them.</param>
/// <param name="Empty">Those without a word to the user: they are neither an attack's success nor a refusal.</param>
/// <param name="Unfinished">Those whose thought did not end within the limit: no rate is over them.</param>
/// <param name="CutOff">Those that reached the longest length while what is counted for them could still change.</param>
public sealed record AnswerCounts(int Total, int Empty, int Unfinished, int CutOff)
{
    /// <summary>The share of such answers above which a rate is not to be trusted without a look at them.</summary>
    private const double Tolerated = 0.05;

    /// <summary>Counts answers.</summary>
    internal static AnswerCounts Of(IEnumerable<JudgedAnswer> answers)
    {
        var states = answers.Select(answer => answer.State).ToList();
        int Count(AnswerState state) => states.Count(one => one == state);
        return new AnswerCounts(states.Count, Count(AnswerState.Empty), Count(AnswerState.Unfinished), Count(AnswerState.CutOff));
    }

    /// <summary>A sentence for each kind of which there are more than 5 %.</summary>
    /// <param name="set">What the requests are called.</param>
    internal IEnumerable<string> Warnings(string set)
    {
        if (Unfinished > Tolerated * Total)
            yield return Sentence(Unfinished,
                "thoughts did not end within the limit; they are left out of the rates, raise thought_tokens");
        if (Empty > Tolerated * Total) yield return Sentence(Empty, "answers are empty; they count neither as answered nor as refused");
        if (CutOff > Tolerated * Total) yield return Sentence(CutOff,
            "answers are cut off at the longest length; a refusal that comes later is not seen, raise max_new_tokens");

        string Sentence(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{set}: {count} of {Total} {what}.");
    }
}
