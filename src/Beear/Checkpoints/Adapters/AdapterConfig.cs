using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beear.Text.Files;

namespace Beear.Checkpoints.Adapters;

/// <summary>adapter_config.json of PEFT, as far as it decides what is computed. Whatever else would decide it is refused by name.</summary>
internal sealed class AdapterConfig
{
    public const string FileName = "adapter_config.json";

    /// <summary>What a user of a refused adapter can do.</summary>
    private const string Remedy = "merge it with PEFT (merge_and_unload, then save_pretrained) and load the merged model";

    private const string LayersPattern = "layers_pattern";

    /// <summary>Keys that say how the adapter was made or is run, not what it computes once it is trained.</summary>
    private static readonly HashSet<string> Harmless =
    [
        "auto_mapping", "corda_config", "eva_config", "fan_in_fan_out", "inference_mode", "loftq_config", "lora_dropout", "lora_ga_config",
        "megatron_config", "megatron_core", "peft_version", "qalora_group_size", "runtime_config", "task_type", "velora_config",
    ];

    private static readonly HashSet<string> Read =
    [
        "alpha_pattern", "base_model_name_or_path", "bias", "ensure_weight_tying", "exclude_modules", "init_lora_weights", "layers_pattern",
        "layers_to_transform", "lora_alpha", "lora_bias", "modules_to_save", "peft_type", "r", "rank_pattern", "revision", "target_modules",
        "trainable_token_indices", "use_dora", "use_rslora",
    ];

    /// <summary>Initialisations that leave the base as it is; the others change its weights whenever the adapter is loaded.</summary>
    private static readonly string[] PlainStarts = ["gaussian", "eva", "orthogonal", "mica"];

    private readonly JsonObject json;

    private AdapterConfig(JsonObject json, string source)
    {
        this.json = json;
        Source = source;
    }

    /// <summary>The file, for messages.</summary>
    public string Source { get; }

    public string Base => json.Text("base_model_name_or_path") ?? "";

    public string? Revision => json.Text("revision");

    public bool UsesDora => Flag("use_dora");

    public bool UsesRankStabilisation => Flag("use_rslora");

    public bool TiesWeights => Flag("ensure_weight_tying");

    public string Kind => UsesDora ? "DoRA" : UsesRankStabilisation ? "rank-stabilised LoRA" : "LoRA";

    /// <summary>Which modules are adapted; null if the file leaves that open.</summary>
    public ModulePattern? Targets { get; private init; }

    public ModulePattern? Excluded { get; private init; }

    /// <summary>Modules that are saved whole.</summary>
    public IReadOnlyList<string> Saved { get; private init; } = [];

    /// <summary>Layers that are adapted where <see cref="Targets"/> is a list; none for all.</summary>
    public IReadOnlyList<int> Layers { get; private init; } = [];

    public IReadOnlyList<Regex> LayerPatterns { get; private init; } = [];

    /// <summary>Rows of an embedding that are replaced, by the end of its module's name.</summary>
    public IReadOnlyList<(string Module, IReadOnlyList<int> Ids)> Tokens { get; private init; } = [];

    private IReadOnlyList<(Regex Module, double Value)> Ranks { get; init; } = [];

    private IReadOnlyList<(Regex Module, double Value)> Alphas { get; init; } = [];

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="BeearException">It is of another kind than LoRA, damaged, or has a key that is not understood.</exception>
    public static AdapterConfig Open(string folder)
    {
        string source = Path.Combine(folder, FileName);
        var read = new AdapterConfig(JsonFile.Read(source), source);
        if (read.json.Text("peft_type") is not { } kind) throw read.Wrong("peft_type", "a string such as \"LORA\"");
        if (kind != "LORA")
            throw new BeearException($"'{folder}' is an adapter of the kind {kind}, and only LORA can be merged here; {Remedy}.");
        read.RefuseUnknown();
        return new AdapterConfig(read.json, source)
        {
            Targets = read.Pattern("target_modules"),
            Excluded = read.Pattern("exclude_modules"),
            Saved = read.Strings("modules_to_save"),
            Layers = read.Integers(read.json["layers_to_transform"]),
            LayerPatterns = [.. read.Strings(LayersPattern)
                .Select(name => read.Expression(LayersPattern, $@"^.*?\.{name}\.(?<layer>\d+)\."))],
            Tokens = read.TokenRows(),
            Ranks = read.ByModule("rank_pattern"),
            Alphas = read.ByModule("alpha_pattern"),
        };
    }

    /// <summary>The rank of a module's adapter.</summary>
    public int Rank(string module)
    {
        double rank = ByPattern(Ranks, module) ?? Number("r");
        return rank is >= 1 and <= int.MaxValue && rank == Math.Floor(rank) ? (int)rank : throw Wrong("r", "a whole number of at least 1");
    }

    /// <summary>The factor of a module's low-rank product.</summary>
    public double Scale(string module)
    {
        double alpha = ByPattern(Alphas, module) ?? Number("lora_alpha"), rank = Rank(module);
        return alpha / (UsesRankStabilisation ? Math.Sqrt(rank) : rank);
    }

    /// <summary>The ranks that the file names, ascending.</summary>
    public IReadOnlyList<int> NamedRanks => [.. Ranks.Select(rank => (int)rank.Value).Append(Rank("")).Distinct().Order()];

    /// <summary>Whether PEFT adapts a module, by its name in the base.</summary>
    public bool Adapts(string module)
    {
        if (Targets is null || Excluded?.Matches(module) == true || SavesBeneath(module) || !Targets.Matches(module)) return false;
        return Layers.Count == 0 || !Targets.IsByEnding(module) || (LayerOf(module) is { } layer && Layers.Contains(layer));
    }

    /// <summary>Whether a module is saved whole, alone or with the one that it is part of.</summary>
    public bool Saves(string module)
    {
        for (string name = module; name.Length > 0; name = name[..Math.Max(name.LastIndexOf('.'), 0)])
        {
            if (Saved.Any(saved => name.EndsWith(saved, StringComparison.Ordinal))) return true;
        }
        return false;
    }

    /// <summary>A module that is saved whole, or is part of one, is never adapted; here whole names count, not their endings.</summary>
    private bool SavesBeneath(string module) => Saved.Any(saved => $".{module}.".Contains($".{saved}.", StringComparison.Ordinal));

    private static readonly Regex FirstNumber = Compile(@"^.*?\.[^.]*\.(?<layer>\d+)\.");

    private int? LayerOf(string module)
    {
        var patterns = LayerPatterns.Count == 0 ? [FirstNumber] : LayerPatterns;
        var found = patterns.Select(pattern => pattern.Match(module)).FirstOrDefault(match => match.Success);
        return found is not null && int.TryParse(found.Groups["layer"].ValueSpan, out int layer) ? layer : null;
    }

    private static double? ByPattern(IReadOnlyList<(Regex Module, double Value)> patterns, string module)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (pattern.IsMatch(module)) return value;
        }
        return null;
    }

    private void RefuseUnknown()
    {
        foreach (var (key, value) in json)
        {
            if (!Harmless.Contains(key) && !Read.Contains(key) && !IsNothing(value))
                throw new BeearException($"'{Source}': {key} is {value!.ToJsonString()}, which is not understood here; {Remedy}.");
        }
        if (json.Text("bias") is { } bias && bias is not ("none" or "all" or "lora_only"))
            throw Wrong("bias", "\"none\", \"all\" or \"lora_only\"");
        if (json.Text("init_lora_weights") is { } start && !PlainStarts.Contains(start))
        {
            throw new BeearException(
                $"'{Source}': init_lora_weights is \"{start}\", so the adapter belongs to other weights than its base's; {Remedy}.");
        }
        if (UsesDora && Flag("lora_bias"))
            throw new BeearException($"'{Source}': lora_bias together with use_dora is not understood here; {Remedy}.");
    }

    private static bool IsNothing(JsonNode? value) => value switch
    {
        null => true,
        JsonArray list => list.Count == 0,
        JsonObject section => section.Count == 0,
        _ => value.AsValue().TryGetValue<bool>(out bool flag) && !flag,
    };

    private bool Flag(string key) => json[key] switch
    {
        null => false,
        JsonValue value when value.TryGetValue<bool>(out bool flag) => flag,
        _ => throw Wrong(key, "true or false"),
    };

    /// <summary>A number that is 8 where the file has none, as r and lora_alpha are.</summary>
    private double Number(string key) => json[key] is { } value ? Number(key, value) : 8;

    private double Number(string key, JsonNode? value) =>
        value is JsonValue number && number.TryGetValue<double>(out double read) && double.IsFinite(read)
            ? read : throw Wrong(key, "a number");

    private IReadOnlyList<string> Strings(string key) => json[key] switch
    {
        null => [],
        JsonValue value when value.TryGetValue<string>(out var text) => text.Length == 0 ? [] : [text],
        JsonArray list => [.. list.Select(item => item is JsonValue value && value.TryGetValue<string>(out var text)
            ? text : throw Wrong(key, "a list of strings"))],
        _ => throw Wrong(key, "a list of strings"),
    };

    private IReadOnlyList<int> Integers(JsonNode? value) => value switch
    {
        null => [],
        JsonArray list => [.. list.Select(Integer)],
        _ => [Integer(value)],
    };

    private int Integer(JsonNode? value) => value is JsonValue number && number.TryGetValue<int>(out int read) && read >= 0
        ? read : throw Wrong("layers_to_transform and trainable_token_indices", "whole numbers");

    private List<(string Module, IReadOnlyList<int> Ids)> TokenRows()
    {
        const string Key = "trainable_token_indices";
        return json[Key] is JsonObject modules
            ? [.. modules.Select(module => (module.Key, Integers(module.Value)))]
            : Integers(json[Key]) is { Count: > 0 } ids ? [("embed_tokens", ids)] : [];
    }

    private ModulePattern? Pattern(string key) => json[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) && text.Length > 0 =>
            text.Equals("all-linear", StringComparison.OrdinalIgnoreCase) && key == "target_modules" ? ModulePattern.AllLinear
                : ModulePattern.Of(Expression(key, $@"^(?:{text})\z")),
        _ => ModulePattern.Of(Strings(key)),
    };

    private List<(Regex Module, double Value)> ByModule(string key) => json[key] switch
    {
        null => [],
        JsonObject patterns => [.. patterns.Select(one => (Expression(key, $@"^(.*\.)?({one.Key})$"), Number(key, one.Value)))],
        _ => throw Wrong(key, "an object with a number for each module"),
    };

    private Regex Expression(string key, string pattern)
    {
        try
        {
            return Compile(pattern.Replace("(?P<", "(?<", StringComparison.Ordinal));
        }
        catch (ArgumentException failure)
        {
            throw new BeearException(
                $"'{Source}': {key} holds an expression that cannot be read ({failure.Reason()}).", failure);
        }
    }

    private static Regex Compile(string pattern) => new(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private BeearException Wrong(string key, string wanted) => new($"'{Source}': {key} should be {wanted}.");
}
