using System.Text.Json;

namespace Beear.Behaviours.Code;

/// <summary>What is read of SARIF 2.1.0, by its names. What may be missing is null.</summary>
internal sealed record SarifLog(string? Version, IReadOnlyList<SarifRun>? Runs);

/// <summary>One run of one tool.</summary>
internal sealed record SarifRun(
    SarifTool? Tool, IReadOnlyList<SarifResult>? Results, IReadOnlyList<SarifArtifact>? Artifacts,
    IReadOnlyList<SarifInvocation>? Invocations,
    IReadOnlyList<SarifComponent>? Taxonomies, IReadOnlyDictionary<string, SarifPlace>? OriginalUriBaseIds);

/// <summary>The tool: its rules may stand in the driver or in extensions.</summary>
internal sealed record SarifTool(SarifComponent? Driver, IReadOnlyList<SarifComponent>? Extensions);

/// <summary>A part of the tool, or a list of weaknesses.</summary>
internal sealed record SarifComponent(string? Name, IReadOnlyList<SarifRule>? Rules, IReadOnlyList<SarifRule>? Taxa);

/// <summary>A rule, or an entry of a list of weaknesses.</summary>
internal sealed record SarifRule(
    string? Id, SarifConfiguration? DefaultConfiguration, SarifProperties? Properties, IReadOnlyList<SarifRelationship>? Relationships,
    IReadOnlyDictionary<string, SarifMessage>? MessageStrings);

/// <summary>How serious a rule is where its results do not say.</summary>
internal sealed record SarifConfiguration(string? Level);

/// <summary>The tags of a rule or a result.</summary>
internal sealed record SarifProperties(IReadOnlyList<JsonElement>? Tags);

/// <summary>That a rule is about something.</summary>
internal sealed record SarifRelationship(SarifReference? Target);

/// <summary>A rule or an entry of a list, by name or place, in a part of the tool by name or place.</summary>
internal sealed record SarifReference(string? Id, int? Index, SarifReference? ToolComponent, string? Name);

/// <summary>Words, or a rule's words by name with arguments.</summary>
internal sealed record SarifMessage(string? Text, string? Markdown, string? Id, IReadOnlyList<string>? Arguments);

/// <summary>What the tool found.</summary>
internal sealed record SarifResult(
    string? RuleId, int? RuleIndex, SarifReference? Rule, string? Kind, string? Level, SarifMessage? Message, SarifProperties? Properties,
    IReadOnlyList<SarifLocation>? Locations, IReadOnlyList<SarifReference>? Taxa, IReadOnlyList<SarifSuppression>? Suppressions);

/// <summary>That somebody wants not to see a result.</summary>
internal sealed record SarifSuppression(string? Status);

/// <summary>Where.</summary>
internal sealed record SarifLocation(SarifPhysical? PhysicalLocation);

/// <summary>Where in which file.</summary>
internal sealed record SarifPhysical(SarifPlace? ArtifactLocation, SarifRegion? Region);

/// <summary>A file, by itself or by its place in the run's list.</summary>
internal sealed record SarifPlace(string? Uri, string? UriBaseId, int? Index);

/// <summary>Lines from 1.</summary>
internal sealed record SarifRegion(int? StartLine);

/// <summary>An entry of the run's list of files.</summary>
internal sealed record SarifArtifact(SarifPlace? Location);

/// <summary>What the tool says about its work.</summary>
internal sealed record SarifInvocation(
    bool? ExecutionSuccessful, IReadOnlyList<SarifNotification>? ToolExecutionNotifications,
    IReadOnlyList<SarifNotification>? ToolConfigurationNotifications);

/// <summary>A trouble, perhaps with a file.</summary>
internal sealed record SarifNotification(string? Level, SarifMessage? Message, IReadOnlyList<SarifLocation>? Locations);
