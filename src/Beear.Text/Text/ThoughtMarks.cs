using System.Text;

namespace Beear.Text;

/// <summary>
/// The two texts between which a model thinks before it answers, such as <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c>. A thought is no
/// answer.
/// </summary>
/// <param name="Open">What a thought begins with; not empty.</param>
/// <param name="Close">What it ends with; not empty.</param>
public sealed record ThoughtMarks(string Open, string Close)
{
    /// <summary>The marks that models are known to write; those of a given model are found in its template and its tokenizer.</summary>
    public static IReadOnlyList<ThoughtMarks> Known { get; } =
    [
        new("<think>", "</think>"), new("<thinking>", "</thinking>"), new("<thought>", "</thought>"), new("<reasoning>", "</reasoning>"),
        new("<reason>", "</reason>"), new("[THINK]", "[/THINK]"), new("<seed:think>", "</seed:think>"), new("◁think▷", "◁/think▷"),
        new("<|START_THINKING|>", "<|END_THINKING|>"), new("<|begin_of_thought|>", "<|end_of_thought|>"), new("<|think|>", "<|/think|>"),
    ];

    /// <summary>Whether a prompt ends within a thought, which the model is to think on.</summary>
    public bool IsOpenedBy(string prompt) => prompt.AsSpan().TrimEnd().EndsWith(Open, StringComparison.Ordinal);

    /// <summary>Takes the thoughts out of a text, with the blanks between them and the answer.</summary>
    /// <param name="text">What a model wrote.</param>
    /// <param name="inThought">Whether the text begins within a thought, which the prompt opened.</param>
    public AnswerParts Split(string text, bool inThought = false)
    {
        StringBuilder answer = new(), thought = new();
        int at = 0;
        while (true)
        {
            string mark = inThought ? Close : Open;
            int found = text.IndexOf(mark, at, StringComparison.Ordinal);
            (inThought ? thought : answer).Append(text, at, (found < 0 ? text.Length : found) - at);
            if (found < 0) break;
            at = found + mark.Length;
            inThought = !inThought;
        }
        return AfterStrayClose(new AnswerParts(thought.Length > 0 || at > 0
            ? answer.ToString().TrimStart() : answer.ToString(), thought.ToString(), inThought));
    }

    /// <summary>Takes the thoughts out of a text of an unknown model, by the <see cref="Known"/> marks.</summary>
    public static AnswerParts SplitKnown(string text)
    {
        foreach (var marks in Known)
        {
            if (text.Contains(marks.Open, StringComparison.Ordinal)
                || text.Contains(marks.Close, StringComparison.Ordinal)) return marks.Split(text);
        }
        return new AnswerParts(text, "", IsThoughtOpen: false);
    }

    /// <summary>A close without its open: the thought began in a prompt that is not known here, so that all before it is thought.</summary>
    private AnswerParts AfterStrayClose(AnswerParts parts)
    {
        int stray = parts.Answer.LastIndexOf(Close, StringComparison.Ordinal);
        return stray < 0 ? parts : parts with
        {
            Answer = parts.Answer[(stray + Close.Length)..].TrimStart(),
            Thought = parts.Answer[..stray] + parts.Thought
        };
    }
}

/// <summary>What a model wrote, its thoughts apart from its answer.</summary>
/// <param name="Answer">What it says to the user.</param>
/// <param name="Thought">What it thought, without the marks.</param>
/// <param name="IsThoughtOpen">Whether the text ends within a thought: there is no answer yet.</param>
public readonly record struct AnswerParts(string Answer, string Thought, bool IsThoughtOpen);
