using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit.Sdk;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>What llama.cpp is asked about one file.</summary>
/// <param name="Path">The GGUF file.</param>
/// <param name="Texts">Texts to turn into ids.</param>
/// <param name="Prompts">Prompts of ids.</param>
/// <param name="Answers">Their continuations.</param>
internal sealed record LlamaCppQuestion(string Path, IReadOnlyList<string> Texts, IReadOnlyList<int[]> Prompts,
    IReadOnlyList<int[]> Answers);

/// <summary>What it says.</summary>
/// <param name="Ids">The ids of the texts.</param>
/// <param name="Choices">What it would choose at each token of each continuation, the ones before it given.</param>
/// <param name="Logits">The highest logits there: pairs of token and logit.</param>
/// <param name="Error">Why it does not run the file.</param>
internal sealed record LlamaCppAnswer(int[][]? Ids, int[][]? Choices, double[][][][]? Logits, string? Error);

/// <summary>llama.cpp itself, from the npm package node-llama-cpp: one process of node for any number of files.</summary>
internal static class LlamaCpp
{
    private static readonly JsonSerializerOptions Camel = new(JsonSerializerDefaults.Web);

    /// <summary>Skips the test if llama.cpp is not here.</summary>
    public static void Require()
    {
        var packages = Path.Combine(Fixtures.Root, "tests", "npm", "node_modules");
        if (!Directory.Exists(Path.Combine(packages, "node-llama-cpp")))
            throw SkipException.ForSkip("llama.cpp is not here: npm install in tests/npm gives the package node-llama-cpp");
        if (!Directory.Exists(Path.Combine(packages, "@node-llama-cpp", "linux-x64")))
            throw SkipException.ForSkip("llama.cpp is not here: its binaries are those of Linux x64");
    }

    /// <summary>Asks about files.</summary>
    public static LlamaCppAnswer[] Ask(IReadOnlyList<LlamaCppQuestion> questions)
    {
        Require();
        var answers = NodeProcess.Run("llama-cpp.mjs",
            new JsonObject { ["questions"] = JsonSerializer.SerializeToNode(questions, Camel) })["answers"];
        return answers.Deserialize<LlamaCppAnswer[]>(Camel)!;
    }
}
