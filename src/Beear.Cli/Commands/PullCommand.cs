using Beear.Cli.Output;
using Beear.Hub;
using Beear.Runtime;
using Spectre.Console;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear pull</c>.</summary>
internal sealed record PullOptions
{
    /// <summary>
    /// A model of the hub: owner/name, owner/name@revision, hub:owner/name/file.gguf, or hub:owner/name/folder where the weights lie in
    /// one.
    /// </summary>
    [Positional]
    public required string Model { get; init; }

    /// <summary>Pattern with * and ? over the paths of wanted files; if not given, what a chat model needs.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];
}

/// <summary>What is in the cache now; the JSON document.</summary>
internal sealed record PullResult(string Model, string Commit, string Path, IReadOnlyList<PulledFile> Files, long DownloadedBytes);

/// <summary>A file that was asked for.</summary>
internal sealed record PulledFile(string Path, long Bytes);

/// <summary><c>beear pull</c>: downloads a model from the hub into the cache.</summary>
internal sealed class PullCommand(CommandSession session)
    : BeearCommand<PullOptions>("pull",
        "Download a model from the Hugging Face hub into the shared cache, or go on with a download", session)
{
    protected override int Run(PullOptions options, CommandContext context)
    {
        var found = HubModels.Pull(HubReference.Parse(options.Model), options.Include, context);
        var result = new PullResult(found.Reference.Repository, found.Reference.Revision, found.Path,
            [.. found.Files.Select(file => new PulledFile(file.Path, file.Size))], found.DownloadedBytes);
        context.Output.Result(result, result =>
        {
            var table = context.Output.Table("file", "size");
            foreach (var file in result.Files) table.Row(file.Path, ByteSize.Format(file.Bytes));
            var summary = context.Output.Table(Justify.Left, "model", result.Model)
                .Row("commit", result.Commit)
                .Row("path", result.Path)
                .Row("downloaded", ByteSize.Format(result.DownloadedBytes));
            return [table, summary];
        });
        return ExitCode.Success;
    }
}
