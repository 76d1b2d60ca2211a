using System.Text.Json;
using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>What a report says.</summary>
/// <param name="Results">The file of each result, and the result.</param>
/// <param name="Troubles">What went wrong, and with which file; null where only the words may say so.</param>
/// <param name="Cwes">All weaknesses about which the tool has rules.</param>
internal sealed record SarifReport(
    IReadOnlyList<(string File, Finding Finding)> Results, IReadOnlyList<(string? File, string Words)> Troubles, IReadOnlySet<string> Cwes);

/// <summary>
/// Reads SARIF 2.1.0: results that speak against a file, in its first location. Left out are those of the kinds pass, notApplicable and
/// informational, of the level none, suppressed ones, and those without a file.
/// </summary>
internal sealed class Sarif
{
    private static readonly JsonSerializerOptions Names = new(StrictJson.Finite) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly SarifRun run;
    private readonly SarifComponent driver;

    private Sarif(SarifRun run)
    {
        this.run = run;
        driver = run.Tool?.Driver ?? throw new JsonException("a run has no tool.driver");
    }

    /// <summary>Reads a report.</summary>
    /// <param name="utf8">Its bytes. Hostile.</param>
    /// <param name="name">What to call it.</param>
    /// <exception cref="BeearException">It is not SARIF 2.1.0.</exception>
    public static SarifReport Read(ReadOnlyMemory<byte> utf8, string name)
    {
        try
        {
            var log = StrictJson.Value<SarifLog>(FileContent.Utf8(utf8, name).Span, Names);
            if (log?.Version?.StartsWith("2.1.", StringComparison.Ordinal) != true) throw new JsonException("its version is not 2.1.0");
            List<Sarif> runs = [.. Programs.Whole(log.Runs).Select(run => new Sarif(run))];
            if (runs.Count == 0) throw new JsonException("it holds no runs");
            return new SarifReport([.. runs.SelectMany(run => run.Results())], [.. runs.SelectMany(run => run.Troubles())],
                runs.SelectMany(run => run.AllRules().SelectMany(run.Cwes)).ToHashSet());
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{name}' is no SARIF 2.1.0 that can be read: {failure.Reason()}.", failure);
        }
    }

    private IEnumerable<(string File, Finding Finding)> Results()
    {
        foreach (var result in Programs.Whole(run.Results))
        {
            var rule = Rule(result);
            string level = result.Level ?? rule?.DefaultConfiguration?.Level ?? "warning";
            if (result.Kind is "pass" or "notApplicable" or "informational" || level == "none" || IsSuppressed(result)) continue;
            if (Programs.Whole(result.Locations) is not [var location, ..] || File(location) is not { } file) continue;
            var cwes = (rule is null ? [] : Cwes(rule)).Concat(Tags(result.Properties))
                .Concat(Programs.Whole(result.Taxa).SelectMany(Weakness));
            yield return (file, new Finding(result.RuleId ?? result.Rule?.Id ?? rule?.Id ?? "", [.. cwes.Distinct()],
                Math.Max(location.PhysicalLocation?.Region?.StartLine ?? 0, 0), Words(result.Message, rule)));
        }
    }

    private IEnumerable<(string? File, string Words)> Troubles() =>
        from invocation in Programs.Whole(run.Invocations)
        from trouble in Programs.Whole(invocation.ToolExecutionNotifications)
            .Concat(Programs.Whole(invocation.ToolConfigurationNotifications))
        where trouble.Level is null or "warning" or "error"
        from file in Programs.Whole(trouble.Locations).Select(File).DefaultIfEmpty()
        select (file, Words(trouble.Message, rule: null));

    /// <summary>A result is suppressed unless somebody has yet to agree, or does not.</summary>
    private static bool IsSuppressed(SarifResult result) =>
        result.Suppressions is { Count: > 0 } && Programs.Whole(result.Suppressions).All(one => one.Status is null or "accepted");

    private IEnumerable<SarifRule> AllRules() => Components().SelectMany(part => Programs.Whole(part.Rules));

    private IEnumerable<SarifComponent> Components() => Programs.Whole(run.Tool!.Extensions).Prepend(driver);

    /// <summary>By its place in a part of the tool, by the driver's place, or by its name anywhere.</summary>
    private SarifRule? Rule(SarifResult result)
    {
        var part = result.Rule?.ToolComponent is { } named ? Component(named, Components().Skip(1)) ?? driver : driver;
        if ((result.Rule?.Index ?? result.RuleIndex) is >= 0 and var index)
        {
            return Programs.Whole(part.Rules).ElementAtOrDefault(index)
                ?? throw new JsonException($"a result has the rule {index}, and there are {part.Rules?.Count ?? 0}");
        }
        return (result.RuleId ?? result.Rule?.Id) is { } id
            ? Programs.Whole(part.Rules).Concat(AllRules()).FirstOrDefault(rule => rule.Id == id) ?? Parent(id) : null;
    }

    /// <summary>A result may be of a part of a rule: CA1000/1 is of CA1000.</summary>
    private SarifRule? Parent(string id) =>
        AllRules().Where(rule => rule.Id is { Length: > 0 } whole && id.StartsWith($"{whole}/", StringComparison.Ordinal))
            .MaxBy(rule => rule.Id!.Length);

    private static SarifComponent? Component(SarifReference reference, IEnumerable<SarifComponent> parts) =>
        reference.Index is >= 0 and var index ? parts.ElementAtOrDefault(index)
            : parts.FirstOrDefault(part => part.Name is not null && part.Name == reference.Name);

    private IEnumerable<string> Cwes(SarifRule rule) => Tags(rule.Properties)
        .Concat(Programs.Whole(rule.Relationships).SelectMany(one => one.Target is { } target ? Weakness(target) : [])).Distinct();

    /// <summary>Other things than texts are tags of nobody.</summary>
    private static IEnumerable<string> Tags(SarifProperties? properties) => (properties?.Tags ?? [])
        .Where(tag => tag.ValueKind == JsonValueKind.String).Select(tag => Cwe.Of(tag.GetString()!)).OfType<string>();

    /// <summary>The weakness to which a rule or a result refers, in the list that is called CWE.</summary>
    private IEnumerable<string> Weakness(SarifReference reference)
    {
        var list = reference.ToolComponent is { } part ? Component(part, Programs.Whole(run.Taxonomies)) : null;
        if ((list?.Name ?? reference.ToolComponent?.Name)?.Equals("CWE", StringComparison.OrdinalIgnoreCase) != true) return [];
        string? id = reference.Id
            ?? (reference.Index is >= 0 and var index ? Programs.Whole(list?.Taxa).ElementAtOrDefault(index)?.Id : null);
        return id is not null && (Cwe.Of(id) ?? Cwe.Of($"CWE-{id}")) is { } name ? [name] : [];
    }

    /// <summary>The path of a location's file; null if it has none.</summary>
    private string? File(SarifLocation location)
    {
        if (location.PhysicalLocation?.ArtifactLocation is not { } place) return null;
        if (place.Uri is null && place.Index is >= 0 and var index)
        {
            place = Programs.Whole(run.Artifacts).ElementAtOrDefault(index)?.Location
                ?? throw new JsonException($"a location has the file {index}, and there are {run.Artifacts?.Count ?? 0}");
        }
        if (place.Uri is not { } uri) return null;
        string path = LocalPath(uri);
        return place.UriBaseId is { } id && !path.StartsWith('/') && run.OriginalUriBaseIds?.GetValueOrDefault(id)?.Uri is { } folder
            ? $"{LocalPath(folder).TrimEnd('/')}/{path}" : path;
    }

    private static string LocalPath(string uri)
    {
        const string Scheme = "file:";
        string path = uri;
        if (path.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            path = path[Scheme.Length..];
            if (path.StartsWith("//", StringComparison.Ordinal)) path = path.IndexOf('/', 2) is var root and >= 0 ? path[root..] : "/";
        }
        path = Uri.UnescapeDataString(path).Replace('\\', '/');
        while (path.StartsWith("./", StringComparison.Ordinal)) path = path[2..];
        return path;
    }

    private static string Words(SarifMessage? message, SarifRule? rule)
    {
        string text = message?.Text ?? message?.Markdown
            ?? (message?.Id is { } id ? rule?.MessageStrings?.GetValueOrDefault(id)?.Text : null) ?? "";
        var arguments = message?.Arguments ?? [];
        for (int i = 0; i < Math.Min(arguments.Count, 10); i++) text = text.Replace($"{{{i}}}", arguments[i], StringComparison.Ordinal);
        return text;
    }
}
