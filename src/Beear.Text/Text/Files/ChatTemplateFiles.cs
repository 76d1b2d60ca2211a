using System.Text;
using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>Finds a model's chat templates in the files that may hold them.</summary>
internal static class ChatTemplateFiles
{
    private const string Key = "chat_template";

    /// <summary>The templates' sources by name, the default one among them.</summary>
    /// <exception cref="BeearException">None is the default one.</exception>
    public static Dictionary<string, string> Sources(ModelFiles files)
    {
        var sources = Find(files);
        if (sources.ContainsKey(ChatTemplateSet.Default)) return sources;
        throw new BeearException(
            $"'{files.Source}' has no chat template: there is neither {ModelFiles.ChatTemplate} nor a \"{Key}\" (a string, or a " +
            $"list with one named \"{ChatTemplateSet.Default}\") in {ModelFiles.TokenizerConfig}; take a chat model, " +
            "or give a template by --chat-template (in C#, ChatDefaults.Template).");
    }

    /// <summary>
    /// The templates' sources by name, as many as there are. As in transformers, files of their own go before tokenizer_config.json, where
    /// there is one template or a list of named ones; chat_template.json, which old processors have, is asked last.
    /// </summary>
    public static Dictionary<string, string> Find(ModelFiles files)
    {
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, source) in Standalone(files)
            .Concat(files.Has(ModelFiles.ChatTemplate) ? [] : InJson(files))) sources.TryAdd(name, source);
        return sources;
    }

    private static IEnumerable<(string Name, string Source)> Standalone(ModelFiles files)
    {
        if (files.Bytes(ModelFiles.ChatTemplate) is { } utf8) yield return (ChatTemplateSet.Default, Encoding.UTF8.GetString(utf8));
        foreach (var path in files.Names.Where(name => name.StartsWith(ModelFiles.MoreTemplates, StringComparison.Ordinal)))
            yield return (Path.GetFileNameWithoutExtension(path), Encoding.UTF8.GetString(files.Bytes(path)!));
    }

    private static IEnumerable<(string Name, string Source)> InJson(ModelFiles files)
    {
        foreach (var stated in new[] { files.Json(ModelFiles.TokenizerConfig)?[Key], files.Json(ModelFiles.ProcessorTemplate)?[Key] })
        {
            if (stated is JsonValue value && value.TryGetValue<string>(out var single)) yield return (ChatTemplateSet.Default, single);
            foreach (var entry in (stated as JsonArray ?? []).OfType<JsonObject>())
                if (entry.Text("name") is { } name && entry.Text("template") is { } source) yield return (name, source);
        }
    }
}
