using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Server.OpenAI;
using Beear.Server.Web;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear serve</c>.</summary>
internal sealed record ServeOptions : IValidatable
{
    /// <summary>
    /// The models, each as NAME=MODEL or MODEL alone: a Hugging Face model directory, a .gguf file, an adapter of PEFT, or one of these on
    /// the hub. Clients ask for it by NAME; without it by the last part of MODEL.
    /// </summary>
    [Positional]
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Where it listens.</summary>
    [Inline]
    public WebOptions Web { get; init; } = new() { Port = 8000 };

    /// <summary>What it answers.</summary>
    [Inline]
    public ServingOptions Serving { get; init; } = new();

    /// <summary>How many requests are decoded together.</summary>
    [Inline]
    public ContinuousBatchOptions Batch { get; init; } = new();

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    [Folded]
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What every conversation has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <inheritdoc/>
    public void Validate() => Named();

    /// <summary>The models by their names.</summary>
    /// <exception cref="BeearException">There is none, or a name is not allowed or comes twice.</exception>
    public IReadOnlyList<NamedModel> Named()
    {
        if (Models.Count == 0) throw new BeearException("There is no model to serve; give some as NAME=MODEL.");
        return NamedModel.Read(Models);
    }
}

/// <summary>What is printed at the start; the JSON document.</summary>
internal sealed record ServeDocument(Uri Address, IReadOnlyList<string> Models);

/// <summary><c>beear serve</c>: models behind the protocol of OpenAI, for clients and test suites that speak it.</summary>
internal sealed class ServeCommand(CommandSession session)
    : BeearCommand<ServeOptions>("serve", "Serve models to clients of the OpenAI protocol until Ctrl-C", session)
{
    protected override int Run(ServeOptions options, CommandContext context)
    {
        var key = options.Serving.KeyFile is { } file ? ApiKey.Read(file) : null;
        var sources = options.Named().Select(named => (named.Name, Source: new ModelSettings
        {
            Model = named.Model,
            Precision = options.Precision,
            Conversation = options.Conversation,
        })).ToList();
        foreach (var (_, source) in sources) source.Outline(context);
        RequireFree(options.Web);
        var address = IPAddress.Parse(options.Web.Host);
        if (key is null && !IPAddress.IsLoopback(address))
            context.Output.Warn($"everybody who reaches {address} may use these models; ask for a key with --key-file.");
        using var serving = new Serving(Load(sources, options.Batch, context), options.Serving, context.Settings.Seed ?? 1);
        using var app = OpenAIServer.Build(serving, options.Web, key, failure => context.Output.Failed($"error: {failure}"));
        LocalServer.Run(app, uri => Tell(uri, serving.Models, key, context), context.Cancellation).GetAwaiter().GetResult();
        return ExitCode.Success;
    }

    private static List<ServedModel> Load(List<(string Name, ModelSettings Source)> sources, ContinuousBatchOptions batch,
        CommandContext context)
    {
        var models = new List<ServedModel>();
        try
        {
            foreach (var (name, source) in sources) models.Add(new ServedModel(name, source.Load(context), batch));
            return models;
        }
        catch
        {
            foreach (var model in models) model.Dispose();
            throw;
        }
    }

    private static void Tell(Uri address, IReadOnlyList<ServedModel> models, ApiKey? key, CommandContext context)
    {
        context.Output.Result(new ServeDocument(address, [.. models.Select(model => model.Name)]), document =>
            $"{string.Join(", ", document.Models)} at {document.Address}v1 (Ctrl-C ends it)");
        string secret = key is null ? "" : " -H \"Authorization: Bearer $KEY\"";
        context.Output.Note($"curl {address}v1/chat/completions{secret} -H 'Content-Type: application/json' "
            + $$"""-d '{"model":"{{models[0].Name}}","messages":[{"role":"user","content":"Hello"}]}'""");
    }

    /// <summary>Loading weights takes minutes: that the port is taken is said before.</summary>
    private static void RequireFree(WebOptions web)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Parse(web.Host), web.Port);
            probe.Start();
        }
        catch (SocketException failure)
        {
            throw new BeearException(string.Create(CultureInfo.InvariantCulture,
                $"Cannot listen at {web.Host}, port {web.Port}: {failure.Reason()}; choose another --port, or 0 for any free one."),
                failure);
        }
    }
}
