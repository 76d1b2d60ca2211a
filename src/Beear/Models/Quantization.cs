using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>Weights that were quantised for one library's use: <c>quantization_config</c> of a config.json.</summary>
internal static class Quantization
{
    private const string Key = "quantization_config", BitsAndBytes = "bitsandbytes";

    /// <summary>Methods that are written in capitals.</summary>
    private static readonly string[] Acronyms =
        ["gptq", "awq", "fp8", "fbgemm_fp8", "mxfp4", "hqq", "eetq", "aqlm", "vptq", "higgs", "spqr"];

    /// <summary>Refuses them.</summary>
    /// <exception cref="BeearException">The sentence names the method, and what to take instead.</exception>
    public static void Refuse(JsonObject config)
    {
        if (config[Key] is not { } stated || stated.GetValueKind() == JsonValueKind.False) return;
        throw new BeearException(
            $"config.json: the weights are quantised {Method(stated as JsonObject ?? [])} ('{Key}'), which can neither be "
                + "computed with nor " +
            "trained here; take the model's unquantised original, or a GGUF file of it.");
    }

    private static string Method(JsonObject stated)
    {
        var bits = IsSet(stated, "load_in_4bit") ? "4" : IsSet(stated, "load_in_8bit") ? "8" : stated["bits"]?.ToString();
        var method = Text(stated, "quant_method") ?? (bits is not null && stated["bits"] is null ? BitsAndBytes : null);
        if (method is null) return "by a method that is not named";
        if (Acronyms.Contains(method)) method = method.ToUpperInvariant();
        string?[] parts = [method, bits is null ? null : $"{bits} bits", Text(stated, "format")];
        return $"by {string.Join(", ", parts.OfType<string>())}";
    }

    private static string? Text(JsonObject json, string key) =>
        json[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool IsSet(JsonObject json, string key) => json[key] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;
}
