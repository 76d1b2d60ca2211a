using System.Text;
using Beear.Behaviours;
using Beear.Data;
using Beear.Text;

namespace Beear.Generation;

/// <summary>
/// Follows answers token by token and says when no further token can change what is counted for them: the behaviour's verdict, whether they
/// refuse, and whether they are exactly a known text; or when an answer is as long as it may be, its thought aside.
/// </summary>
/// <remarks>
/// Only text that later tokens leave as it is counts, so that a keyword, once found, stays in the answer. That an answer has no keyword is
/// known at its end alone: one counts anywhere.
/// </remarks>
/// <param name="chat">Decodes tokens.</param>
/// <param name="prompts">What is answered.</param>
/// <param name="known">For each answer the text that it is compared with; empty where it is only asked whether it is a refusal.</param>
/// <param name="limits">How long answers may be, and how much is wanted of them.</param>
/// <param name="behaviour">What judges them.</param>
/// <param name="positions">How many tokens prompt and answer may have together.</param>
internal sealed class AnswerWatch(ChatFormat chat, IReadOnlyList<int[]> prompts, IReadOnlyList<string> known, AnswerLimits limits,
    IBehaviour behaviour, int positions = int.MaxValue)
{
    private readonly Followed[] answers =
        [.. prompts.Select(prompt => new Followed(chat.StartReading(chat.OpensThought(prompt)), positions - prompt.Length))];

    private sealed class Followed(AnswerReader reader, int room)
    {
        public AnswerReader Reader { get; } = reader;

        public int Room { get; set; } = room;

        public StringBuilder Text { get; } = new();

        public int Thought { get; set; }

        public int Answer { get; set; }
    }

    /// <summary>Takes the next token of an answer.</summary>
    /// <returns>Whether no more of it is wanted.</returns>
    public bool Take(int answer, int token)
    {
        var followed = answers[answer];
        followed.Text.Append(followed.Reader.Append(token).Answer);
        bool isFull = --followed.Room <= 0;
        if (followed.Reader.IsInThought) return ++followed.Thought >= limits.ThoughtTokens || isFull;
        string text = followed.Text.ToString();
        if (string.IsNullOrWhiteSpace(text)) return isFull;              // the marks of a thought and the blanks behind it
        followed.Answer++;
        return followed.Answer >= limits.MaxNewTokens || isFull || (!limits.FullAnswers && IsDecided(answer, text));
    }

    /// <summary>Whether nothing that may follow can change what is counted for an answer.</summary>
    /// <param name="answer">Which.</param>
    /// <param name="soFar">Its text, without thoughts.</param>
    public bool IsDecided(int answer, string soFar)
    {
        string wanted = known[answer].Trim();
        return (!limits.ByKeywords || Refusals.IsRefusal(soFar)) && behaviour.IsDecided(soFar)
            && (wanted.Length == 0 || !wanted.StartsWith(soFar.Trim(), StringComparison.Ordinal));
    }
}
