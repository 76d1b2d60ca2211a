using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Beear.Hub;

/// <summary>What of a repository is downloaded.</summary>
/// <param name="Files">The files, each with a safe path.</param>
/// <param name="Entry">The file or folder that is opened; null for the snapshot itself.</param>
internal sealed partial record HubSelection(IReadOnlyList<HubFile> Files, string? Entry)
{
    /// <summary>The card of a model: it comes with the model, and the model is whole without it.</summary>
    public const string CardFile = "README.md";

    private const string SingleFile = "model.safetensors", IndexFile = "model.safetensors.index.json", TokenizerFile = "tokenizer.json";

    /// <summary>What training leaves beside a model, and lists of weights in other formats.</summary>
    private static readonly string[] OfTraining =
        ["trainer_state.json", "*_results.json", "*.bin.index.json", "*.h5.index.json", "*.msgpack.index.json"];

    private static readonly string[] PickleEndings = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"];

    /// <summary>Of several GGUF files that one is taken which keeps most of the weights' precision, without the size of float32.</summary>
    private static readonly string[] Precisions =
        ["BF16", "F16", "FP16", "Q8_0", "F32", "FP32", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0",
            "Q3_K_M", "Q2_K"];

    /// <summary>Chooses the files.</summary>
    /// <param name="files">All files of the repository.</param>
    /// <param name="reference">What was asked for; its file or folder, if it names one, is the choice.</param>
    /// <param name="include">Patterns with * and ? over whole paths; empty for what a chat model needs.</param>
    /// <exception cref="BeearException">There is nothing to choose, or what there is may not be downloaded.</exception>
    public static HubSelection Of(IReadOnlyList<HubFile> files, HubReference reference, IReadOnlyList<string> include)
    {
        var selection = reference.File is { } path ? Named(files, reference, path)
            : include.Count > 0 ? new HubSelection(Included(files, reference, include), Entry: null)
            : ChatModel(files, reference, folder: "");
        if (include.Count == 0 && CardOf(files, selection.Entry) is { } card && !selection.Files.Contains(card))
            selection = selection with { Files = [.. selection.Files, card] };
        if (selection.Files.FirstOrDefault(chosen => !HubPath.IsSafe(chosen.Path)) is { } unsafePath)
            throw new BeearException($"'{reference}' has a file named '{unsafePath.Path}', which is no path inside a folder; it "
                + "is not downloaded.");
        return selection;
    }

    /// <summary>The card that is nearest to what is opened: in its folder, or in one around it.</summary>
    /// <param name="files">All files.</param>
    /// <param name="entry">What is opened; null for the repository itself.</param>
    private static HubFile? CardOf(IReadOnlyList<HubFile> files, string? entry)
    {
        for (string folder = entry is null ? "" : $"{entry}/"; ; folder = folder[..(folder.TrimEnd('/').LastIndexOf('/') + 1)])
        {
            if (files.FirstOrDefault(file => file.Path == folder + CardFile) is { } card) return card;
            if (folder.Length == 0) return null;
        }
    }

    /// <summary>The file of the reference, or the model in its folder.</summary>
    private static HubSelection Named(IReadOnlyList<HubFile> files, HubReference reference, string path)
    {
        if (IsPickle(path)) throw Pickle(reference, path);
        if (files.Any(file => file.Path == path)) return new HubSelection(WithParts(files, path), path);
        if (files.Any(file => file.Path.StartsWith($"{path}/", StringComparison.Ordinal))) return ChatModel(files, reference, $"{path}/");
        throw new BeearException($"'{reference with { File = null }}' has no file '{path}'{Spelling.Advice(path, Weights(files))}");
    }

    private static List<HubFile> Included(IReadOnlyList<HubFile> files, HubReference reference, IReadOnlyList<string> include)
    {
        var matching = files.Where(file => include.Any(pattern => Matches(pattern, file.Path))).ToList();
        var chosen = matching.Where(file => !IsPickle(file.Path)).ToList();
        if (chosen.Count > 0) return chosen;
        throw matching.Count > 0 ? Pickle(reference, matching[0].Path)
            : new BeearException($"'{reference}' has no file that fits {string.Join(" or ", include)}.");
    }

    /// <summary>
    /// Weights, configuration, tokenizer and templates of the repository or of a folder; without such weights one GGUF file.
    /// </summary>
    /// <param name="all">All files.</param>
    /// <param name="reference">What was asked for.</param>
    /// <param name="folder">The folder with a '/' at its end; empty for the repository itself.</param>
    private static HubSelection ChatModel(IReadOnlyList<HubFile> all, HubReference reference, string folder)
    {
        var files = all.Where(file => file.Path.StartsWith(folder, StringComparison.Ordinal)).ToList();
        string Name(HubFile file) => file.Path[folder.Length..];
        var top = files.Where(file => !Name(file).Contains('/', StringComparison.Ordinal)).DistinctBy(Name).ToDictionary(Name);
        if (LoadedWeights(top) is { Count: > 0 } weights)
        {
            var around = top.Values.Where(file => IsAround(Name(file), top));
            var templates = files.Where(file => Matches("additional_chat_templates/*.jinja", Name(file)));
            return new HubSelection([.. around, .. templates, .. weights], folder.Length == 0 ? null : folder.TrimEnd('/'));
        }
        var single = files.Where(file => Matches("*.gguf", file.Path) && !IsSideModel(file.Path) && !IsLaterPart(file.Path)).ToList();
        if (Preferred(single) is { } gguf) return new HubSelection(WithParts(files, gguf.Path), gguf.Path);
        if (single.Count > 0)
        {
            throw new BeearException($"'{reference}' holds {single.Count} GGUF files "
                + $"({string.Join(", ", single.Take(8).Select(file => file.Path))}); " +
                $"name one: {reference with { File = single[0].Path }}.");
        }
        throw Deeper(files, reference) ?? (files.Find(file => IsPickle(file.Path)) is { } pickle ? Pickle(reference, pickle.Path)
            : new BeearException($"'{reference}' holds neither *.safetensors nor *.gguf, so it is no model that can be read."));
    }

    /// <summary>
    /// Of the safetensors files those that are opened: the one file, else its shards. Repositories hold the weights once more for other
    /// programs and in other types.
    /// </summary>
    private static List<HubFile> LoadedWeights(Dictionary<string, HubFile> top)
    {
        if (top.TryGetValue(SingleFile, out var one)) return [one];
        var names = top.Keys.Where(name => Matches("*.safetensors", name)).ToList();
        if (names.Exists(name => !IsConsolidated(name))) names.RemoveAll(IsConsolidated);
        if (top.ContainsKey(IndexFile) && names.Exists(ShardName().IsMatch)) names.RemoveAll(name => !ShardName().IsMatch(name));
        return [.. names.Order(StringComparer.Ordinal).Select(name => top[name])];
    }

    private static bool IsAround(string name, Dictionary<string, HubFile> top) =>
        name is "vocab.json" or "merges.txt" ? !top.ContainsKey(TokenizerFile) : name == IndexFile ? !top.ContainsKey(SingleFile)
            : Matches("*.json", name) ? !OfTraining.Any(pattern => Matches(pattern, name))
        : name == "tokenizer.model" || Matches("*.jinja", name);

    /// <summary>The sentence for weights that lie in folders only.</summary>
    private static BeearException? Deeper(List<HubFile> files, HubReference reference)
    {
        var folders = files.Where(file => Matches("*.safetensors", file.Path) && file.Path.Contains('/', StringComparison.Ordinal))
            .Select(file => file.Path[..file.Path.LastIndexOf('/')]).Distinct().Order(StringComparer.Ordinal).ToList();
        if (folders.Count == 0) return null;
        var named = string.Join(", ", folders.Take(8).Select(folder => $"'{folder}'"));
        return new BeearException($"'{reference}' has its weights in the {(folders.Count == 1 ? "folder" : "folders")} {named}; " +
            $"name {(folders.Count == 1 ? "it" : "one")}: {reference with { File = folders[0] }}.");
    }

    private static HubFile? Preferred(List<HubFile> files)
    {
        if (files.Count == 1) return files[0];
        foreach (var precision in Precisions)
        {
            var pattern = $@"(?<![A-Za-z0-9]){precision}(?![A-Za-z0-9_])";
            if (files.Find(file => Regex.IsMatch(file.Path, pattern, RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1)))
                is { } found) return found;
        }
        return null;
    }

    /// <summary>The file, and if it is the first of a split GGUF file, the others.</summary>
    private static List<HubFile> WithParts(IReadOnlyList<HubFile> files, string path)
    {
        if (PartName().Match(path) is not { Success: true } part) return [.. files.Where(file => file.Path == path)];
        var (start, end) = (path[..part.Groups["number"].Index], path[(part.Groups["number"].Index + part.Groups["number"].Length)..]);
        return [.. files.Where(file => file.Path.Length == path.Length && file.Path.StartsWith(start, StringComparison.Ordinal)
            && file.Path.EndsWith(end, StringComparison.Ordinal) && PartName().IsMatch(file.Path))];
    }

    [GeneratedRegex(@"^model-\d{5}-of-\d{5}\.safetensors$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ShardName();

    [GeneratedRegex(@"-(?<number>\d{5})-of-\d{5}\.gguf$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PartName();

    private static bool IsLaterPart(string path) =>
        PartName().Match(path) is { Success: true } part && part.Groups["number"].Value != "00001";

    private static bool IsSideModel(string path) =>
        Path.GetFileName(path).StartsWith("mmproj", StringComparison.OrdinalIgnoreCase)
            || path.Contains("imatrix", StringComparison.OrdinalIgnoreCase);

    private static bool IsConsolidated(string name) => name.StartsWith("consolidated", StringComparison.OrdinalIgnoreCase);

    private static bool IsPickle(string path) => PickleEndings.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static bool Matches(string pattern, string path) =>
        FileSystemName.MatchesSimpleExpression(pattern.Replace(@"\", @"\\", StringComparison.Ordinal), path, ignoreCase: false);

    private static List<string> Weights(IReadOnlyList<HubFile> files) =>
        [.. files.Select(file => file.Path).Where(path => Matches("*.gguf", path) || Matches("*.safetensors", path)).Take(20)];

    private static BeearException Pickle(HubReference reference, string path) => new(
        $"'{path}' of '{reference.Repository}' is a Python pickle, which can run code, and is never downloaded; look for the "
            + "model as safetensors or GGUF.");
}
