using System.Reflection;
using Beear.Generation;
using Beear.Hub;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Server.Studio;
using Beear.Server.Web;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear studio</c>.</summary>
internal sealed record StudioCommandOptions : IValidatable
{
    /// <summary>
    /// The folder whose runs and models are shown, with all folders below it; the current one if not given. Cleaned models are written
    /// there.
    /// </summary>
    [Positional]
    public string Folder { get; init; } = ".";

    /// <summary>
    /// A model to compare, as NAME=MODEL: before=PATH, after=PATH. Finished models of the folder are found by themselves.
    /// </summary>
    public IReadOnlyList<string> Model { get; init; } = [];

    /// <summary>Element type of matrix products of models that are compared; weights stay float32.</summary>
    [Folded]
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The port, 0 to 65535; any free one if 0.</summary>
    public int Port { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        new WebOptions { Port = Port }.Validate();
        NamedModel.Read(Model);
    }
}

/// <summary><c>beear studio</c>: a local page over runs and models.</summary>
internal sealed class StudioCommand(CommandSession session)
    : BeearCommand<StudioCommandOptions>("studio",
        "Look at runs, answers and models of a folder in the browser, and clean a model there", session)
{
    protected override int Run(StudioCommandOptions options, CommandContext context) => RunAsync(options, context).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(StudioCommandOptions options, CommandContext context)
    {
        await using var studio = new StudioServer(new StudioOptions
        {
            Folder = options.Folder,
            Web = new WebOptions { Port = options.Port },
            Models = [.. NamedModel.Read(options.Model).Select(one => new StudioModel(one.Name, one.Model))],
            Program = ThisProgram(),
            Load = (path, cancellation) => Load(path, options, context with { Cancellation = cancellation }),
            Forecast = (request, _) => Forecast(request, context),
        });
        await studio.Run(address => context.Output.Result(new { Address = address }, shown => shown.Address), context.Output.Note,
            context.Cancellation);
        return ExitCode.Success;
    }

    /// <summary>What starts this program once more: its own file, or .NET with this library.</summary>
    private static string[] ThisProgram()
    {
        string? process = Environment.ProcessPath;
        string library = Assembly.GetExecutingAssembly().Location;
        if (process is null)
            throw new BeearException("The system does not say where this program lies, so nothing can be started from it.");
        return Path.GetFileNameWithoutExtension(process).Equals("dotnet", StringComparison.OrdinalIgnoreCase)
            ? [process, library] : [process];
    }

    private static LoadedModel Load(string path, StudioCommandOptions options, CommandContext context)
    {
        var model = new ModelSettings { Model = path, Precision = options.Precision }.Load(context);
        return new LoadedModel(new LocalChatClient(model), model.Chat.Defaults.System, model);
    }

    /// <summary>How <c>beear clean</c> will lay the same request out: from shapes and data, before weights are loaded.</summary>
    private static CleanForecast? Forecast(CleanRequest request, CommandContext context)
    {
        var source = new ModelSettings { Model = request.Model, Precision = Precision.Bfloat16 };
        if (!Path.Exists(request.Model) && HubReference.TryParse(request.Model, out _)) return null;
        var (config, chat) = source.Outline(context);
        var mitigation = new MitigationOptions();
        mitigation.Validate(config);
        bool isTiny = Organism.IsOf(source.Locate(context).Path);
        var clean = new CleanOptions { Quick = request.Quick, WithControl = request.WithControl }.For(isTiny);
        var parts = isTiny ? CleanTexts.OfTinyWorld(clean, mitigation.Seed) : CleanTexts.Of(clean, mitigation.Seed);
        var (plan, available) = MemoryBudget.Find("auto", config, source.Precision, mitigation, parts.Clean.Encode(chat), context);
        return new CleanForecast(plan, available, string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"{config.ModelType}, {config.ParameterCount / 1e6:N1} million parameters, {config.Layers} layers"));
    }
}
