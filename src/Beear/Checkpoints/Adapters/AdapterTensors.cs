using System.Text.RegularExpressions;

namespace Beear.Checkpoints.Adapters;

/// <summary>What a tensor of an adapter is to its module.</summary>
internal enum AdapterRole
{
    /// <summary>(r, in) first factor of a matrix.</summary>
    Down,
    /// <summary>(out, r) its second factor.</summary>
    Up,
    /// <summary>(out) bias of the second factor.</summary>
    UpBias,
    /// <summary>(r, V) first factor of an embedding.</summary>
    EmbeddingDown,
    /// <summary>(d, r) its second factor.</summary>
    EmbeddingUp,
    /// <summary>(out), of an embedding (d): DoRA's lengths.</summary>
    Magnitude,
    /// <summary>Rows of an embedding that replace the base's.</summary>
    Rows,
    /// <summary>A whole weight in place of the base's.</summary>
    Weight,
    /// <summary>A whole bias in place of the base's.</summary>
    Bias,
}

/// <summary>The tensors of an adapter's file by module and role.</summary>
internal sealed partial class AdapterTensors
{
    private readonly ITensorSource source;
    private readonly Dictionary<(string Module, AdapterRole Role), string> names = [];

    /// <summary>Sorts the tensors of a file; what it holds of the base as it was is not looked at.</summary>
    /// <param name="source">The file.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <exception cref="BeearException">A tensor's name is none that PEFT gives, or two have the same place.</exception>
    public AdapterTensors(ITensorSource source, string path)
    {
        this.source = source;
        Path = path;
        foreach (var name in source.Tensors.Keys.Where(name => !name.Contains(".original_module.", StringComparison.Ordinal)))
        {
            if (Place(name) is not { } place)
                throw new BeearException($"'{path}': the tensor '{name}' is none of a LoRA adapter; merge it "
                    + "with PEFT (merge_and_unload).");
            // Of a module that is saved whole, bias = "all" writes the bias twice.
            if (names.TryAdd(place, name) || place.Role == AdapterRole.Bias) continue;
            throw new BeearException(
                $"'{path}' holds both '{names[place]}' and '{name}', so it holds more than one adapter; save one of them with PEFT.");
        }
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    public IReadOnlyCollection<(string Module, AdapterRole Role)> Places => names.Keys;

    /// <summary>A tensor's header, or null.</summary>
    public TensorInfo? Find(string module, AdapterRole role) =>
        names.TryGetValue((module, role), out var name) ? source.Tensors[name] : null;

    private static (string Module, AdapterRole Role)? Place(string name)
    {
        var match = TensorName().Match(name.Replace("_orig_mod.", "", StringComparison.Ordinal));
        if (!match.Success) return null;
        bool isBias = match.Groups["leaf"].Value == "bias";
        AdapterRole? role = match.Groups["part"].Value switch
        {
            "lora_A" => isBias ? null : AdapterRole.Down,
            "lora_B" => isBias ? AdapterRole.UpBias : AdapterRole.Up,
            "lora_embedding_A" => AdapterRole.EmbeddingDown,
            "lora_embedding_B" => AdapterRole.EmbeddingUp,
            "lora_magnitude_vector" => AdapterRole.Magnitude,
            "token_adapter.trainable_tokens_delta" => AdapterRole.Rows,
            _ => isBias ? AdapterRole.Bias : AdapterRole.Weight,
        };
        return role is { } known ? (match.Groups["module"].Value, known) : null;
    }

    // With or without the model's prefix and the adapter's own name, which stands behind the part, e.g. q_proj.lora_A.default.weight.
    [GeneratedRegex("""
        ^(base_model\.model\.)?(?<module>[^.]+(\.[^.]+)*?)\.
        (
            (?<part>lora_[AB])(\.[^.]+)?\.(?<leaf>weight|bias)
          | (?<part>lora_embedding_[AB]|lora_magnitude_vector|token_adapter\.trainable_tokens_delta)(\.[^.]+)?(\.weight)?
          | ((token_adapter\.)?base_layer\.|modules_to_save(\.[^.]+)?\.)?(?<leaf>weight|bias)
        )\z
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TensorName();
}
