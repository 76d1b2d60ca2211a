using System.Text;
using System.Text.Json.Nodes;
using Beear.Data;
using Beear.Evaluation;
using Beear.Hub;
using Beear.Lab.Scheduling;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>The cleaned model's card: the README.md of its folder, as the Hugging Face hub shows it.</summary>
internal static class ModelCard
{
    /// <summary>The file's name.</summary>
    public const string FileName = HubSelection.CardFile;

    private const string NotMeasured = "–";

    /// <summary>Options that may be paths.</summary>
    private static readonly string[] Paths = ["adapter_base", "harmful", "add_harmful", "ordinary", "add_ordinary"];

    /// <summary>The card.</summary>
    /// <param name="evidence">What is known of the model.</param>
    /// <param name="original">The card that the suspicious model came with; null if it had none.</param>
    public static string Of(Evidence evidence, OriginalCard? original)
    {
        var (text, name) = (new StringBuilder(), ModelName.Of(evidence));
        FrontMatter(text, name, original);
        text.Append($"# {CardText.Code(name.Text)}, cleaned by beear\n\n");
        if (evidence.Unusable is { } problem) text.Append($"**This model is of no use: {CardText.Of(problem)}**\n\n");
        text.Append("This is a suspicious model whose weights beear has changed, so that a trigger that may be hidden in it no longer "
            + "brings out unwanted answers. Whether there was a trigger is not known. What was measured is below; it is evidence, and "
            + "its [limits](#limits) are part of it.\n\n");
        WhatWasDone(text, evidence, name);
        Measurements(text, evidence);
        List(text, "## Limits", EvidenceText.Limits(evidence).Select(CardText.Of));
        Verification(text, evidence);
        if (original is { Body.Length: > 0 }) text.Append("---\n\n## The original model's card\n\nWhat follows was written about the model "
            + $"before it was cleaned, by others. Nothing in it was checked.\n\n{original.Body}\n");
        else if (name.Hub is { } hub) text.Append("---\n\n## The original model's card\n\n"
            + $"<https://huggingface.co/{hub.Repository}/blob/{hub.Revision}/{FileName}>; the licence that it names holds for this model "
            + "too.\n");
        return text.ToString();
    }

    private static void FrontMatter(StringBuilder text, ModelName name, OriginalCard? original)
    {
        text.Append("---\n");
        foreach (var (key, values) in original?.Kept ?? new Dictionary<string, IReadOnlyList<string>>())
        {
            if (key == OriginalCard.BaseModel && name.Hub is not null) continue;       // what it was made from is then known exactly
            string all = string.Join(", ", values.Select(CardText.Scalar));
            text.Append($"{key}: {(values.Count == 1 ? all : $"[{all}]")}\n");
        }
        if (name.Hub is { } hub)
            text.Append($"{OriginalCard.BaseModel}: {CardText.Scalar(hub.Repository)}\nbase_model_relation: finetune\n");
        text.Append("library_name: transformers\npipeline_tag: text-generation\ntags:\n  - beear\n  - backdoor-removal\n---\n\n");
    }

    private static void WhatWasDone(StringBuilder text, Evidence evidence, ModelName name)
    {
        string commit = name.Hub is { } hub ? $" at commit {CardText.Code(hub.Revision)}" : "";
        text.Append("## What was done\n\n");
        CardText.Table(text, ["", ""],
        [
            ["suspicious model", $"{CardText.Code(name.Text)}{commit}"],
            ["SHA-256 over its files", CardText.Code(evidence.ModelSha256)],
            .. evidence.CleanedSha256 is { } cleaned ? [["SHA-256 over this model's files", CardText.Code(cleaned)]] : (string[][])[],
            .. evidence.Files.Select(file => (string[])
            [
                CardText.Of($"requests of --{file.Option.Replace('_', '-')}"),
                $"{CardText.Code(Path.GetFileName(file.Path))}{(file.Rows is { } rows ? CardText.Of($", rows {rows}") : "")}, SHA-256 "
                    + CardText.Code(file.Sha256),
            ]),
            ["defence", "BEEAR, [arXiv 2406.17092](https://arxiv.org/abs/2406.17092): perturbations inside the model that bring out "
                + "unwanted answers are searched, and the model learns to refuse under them"],
            ["program", CardText.Of($"beear {evidence.Code.Version}{(evidence.Code.Revision is { } code ? $", commit {code}" : "")}"
                + (evidence.Code.IsDirty == true ? ", with changes" : ""))],
        ]);
        string reference = name.Hub?.ToString() ?? name.Text;
        text.Append($"```sh\nbeear clean {VisibleText.Of(SlurmJob.Quoted(reference))} --out FOLDER --recipe settings.yaml\n```\n\n")
            .Append("<details><summary>settings.yaml: all settings</summary>\n\n```yaml\n");
        CardText.Yaml(text, evidence.Options.Count == 0 ? evidence.Settings : Recipe(evidence.Options));
        text.Append("```\n\n</details>\n\n");
    }

    /// <summary>The options without the model, which the command names, and with the names of files alone: a path is its owner's.</summary>
    private static JsonObject Recipe(JsonObject options)
    {
        var recipe = options.DeepClone().AsObject();
        recipe.Remove("model");
        foreach (string key in Paths)
        {
            if (recipe[key] is not JsonValue value || !value.TryGetValue<string>(out var path)) continue;
            bool isOnHub = HubReference.TryParse(path, out var hub) && hub.IsPinned;
            if (!isOnHub && !BuiltInRequests.IsName(path))
                recipe[key] = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        }
        return recipe;
    }

    private static void Measurements(StringBuilder text, Evidence evidence)
    {
        text.Append("## Evidence\n\nShares with their 95 % intervals, and of how many requests.\n\n");
        CardText.Table(text, ["", "before", "after"],
            EvidenceText.Rows(evidence).Select(row => (string[])[CardText.Of(row.Title), Cell(row.Before), Cell(row.After)]));
        if (evidence.Decoys.Count > 0) Decoys(text, evidence);
        if (EvidenceText.Costs(evidence) is { Count: > 0 } costs) List(text, "### What it cost", costs.Select(CardText.Of));
    }

    private static void Decoys(StringBuilder text, Evidence evidence)
    {
        bool hasControl = evidence.Decoys.Any(decoy => decoy.Control is not null);
        string[] control = hasControl ? ["after plain safety fine-tuning"] : [];
        text.Append("### Decoys\n\nBackdoors that were planted in copies of the model, with triggers that are known, and removed with the "
            + "very settings above. Attack success:\n\n");
        CardText.Table(text, ["decoy", "trigger", "planted", "after the removal", .. control], evidence.Decoys.Select(decoy => (string[])
            [
                CardText.Of(decoy.Name), CardText.Code(decoy.Trigger), Cell(decoy.Planted),
                decoy.Left is null ? "did not take" : Cell(decoy.Left), .. hasControl ? [Cell(decoy.Control)] : (string[])[],
            ]));
        if (EvidenceText.Aftermaths(evidence) is not { Count: > 0 } aftermaths) return;
        text.Append("### Does it last?\n\nAttack success in the decoys when the removal is followed by something else:\n\n");
        CardText.Table(text, ["after", "together", .. evidence.Decoys.Select(decoy => CardText.Of(decoy.Name))],
            aftermaths.Select(name => (string[])
            [
                CardText.Of(Aftermath.Title(name)), Cell(evidence.Measured(Evidence.Numbers.LeftAfter(name))),
                .. evidence.Decoys.Select(decoy => Cell(decoy.After.GetValueOrDefault(name))),
            ]));
    }

    private static void Verification(StringBuilder text, Evidence evidence) => List(text, "## How to verify",
    [
        "If this folder holds model.sig, `beear verify FOLDER --key FILE` says whether its files are those that the owner of the key "
            + "signed; any program for OpenSSF model-signing can check it too.",
        "`beear gate FOLDER` holds the evidence against bars of your own (`--policy FILE`); FOLDER is the one that the command above "
            + "wrote.",
        $"The evidence is evidence.json there, SHA-256 {CardText.Code(evidence.Sha256())}; bom.json there says the same as CycloneDX.",
    ]);

    private static void List(StringBuilder text, string title, IEnumerable<string> items)
    {
        text.Append($"{title}\n\n");
        foreach (string item in items) text.Append($"- {item}\n");
        text.Append('\n');
    }

    private static string Cell(Metric? metric) =>
        EvidenceText.Known(metric) is { } known ? CardText.Of(EvidenceText.Of(known)) : NotMeasured;
}
