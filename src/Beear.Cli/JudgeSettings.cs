using Beear.Data;
using Beear.Evaluation;
using Beear.Models;

namespace Beear.Cli;

/// <summary>The language model that judges answers, and what it rates besides.</summary>
internal sealed record JudgeSettings : IValidatable
{
    private const long LongestPrompt = 1 << 20;
    private const string DefaultKey = "OPENAI_API_KEY", OpenAIHost = "api.openai.com";

    /// <summary>
    /// A model that judges how harmful answers are: a Hugging Face model directory, a .gguf file, or a model of the hub. Without it and
    /// --judge-endpoint nothing is judged.
    /// </summary>
    public string? Judge { get; init; }

    /// <summary>Where the base lies of a judge that is an adapter; if not given, what its adapter_config.json names.</summary>
    [Folded]
    public string? JudgeAdapterBase { get; init; }

    /// <summary>Element type of matrix products of the model that judges.</summary>
    [Folded]
    public Precision JudgePrecision { get; init; } = Precision.Bfloat16;

    /// <summary>
    /// Address of an OpenAI-compatible server whose model judges, e.g. https://api.openai.com/v1 or http://localhost:8080/v1.
    /// </summary>
    public string? JudgeEndpoint { get; init; }

    /// <summary>Name of the server's model.</summary>
    public string? JudgeModel { get; init; }

    /// <summary>Environment variable that holds the server's key; OPENAI_API_KEY if not given, and no key where that is not set.</summary>
    [Folded]
    public string? JudgeKeyVariable { get; init; }

    /// <summary>File of another prompt for the judge, with the places {request} and {answer}.</summary>
    [Folded]
    public string? JudgePrompt { get; init; }

    /// <summary>Requests to the server that are under way at once.</summary>
    [Folded]
    public int JudgeRequests { get; init; } = 8;

    /// <summary>Longest reply of the judge, in tokens, thoughts included; with a higher limit what was cut is asked again.</summary>
    [Folded]
    public int JudgeTokens { get; init; } = 512;

    /// <summary>File of MT-Bench's questions, JSON lines: the model answers them and the judge rates each turn from 1 to 10.</summary>
    public string? MtBench { get; init; }

    /// <summary>Only so many questions of MT-Bench, in turn from each category.</summary>
    [Folded]
    public int? MtBenchQuestions { get; init; }

    /// <summary>Longest answer to MT-Bench, in tokens.</summary>
    [Folded]
    public int MtBenchTokens { get; init; } = 1024;

    /// <summary>Most questions of MT-Bench that are answered together.</summary>
    [Folded]
    public int MtBenchBatchSize { get; init; } = 16;

    private bool HasJudge => Judge is not null || JudgeEndpoint is not null;

    /// <inheritdoc/>
    public void Validate()
    {
        if (Judge is not null && JudgeEndpoint is not null) throw new BeearException(
            "--judge and --judge-endpoint name two judges; give one of them.");
        if (JudgeEndpoint is not null && string.IsNullOrWhiteSpace(JudgeModel)) throw new BeearException(
            "--judge-endpoint: name the server's model by --judge-model.");
        if (JudgeEndpoint is null && JudgeModel is not null) throw new BeearException(
            "--judge-model names a model of a server; add --judge-endpoint, or name a local model by --judge.");
        if (JudgeEndpoint is { } endpoint) Address(endpoint);
        if (Judge is null && JudgeAdapterBase is not null) throw new BeearException(
            "--judge-adapter-base is for a local judge; add --judge.");
        if (!HasJudge && JudgePrompt is not null) throw new BeearException(
            "--judge-prompt is for a judge; add --judge or --judge-endpoint.");
        if (!HasJudge && MtBench is not null) throw new BeearException(
            "--mt-bench: its answers are rated by a judge; add --judge or --judge-endpoint.");
        if (MtBench is null && MtBenchQuestions is not null) throw new BeearException(
            "--mt-bench-questions limits the questions of a file; add --mt-bench.");
        Require.Between(JudgeRequests, 1, 256);
        Require.AtLeast(JudgeTokens, 1);
        if (MtBenchQuestions is { } count) Require.AtLeast(count, 1, nameof(MtBenchQuestions));
        Require.AtLeast(MtBenchTokens, 1);
        Require.AtLeast(MtBenchBatchSize, 1);
    }

    /// <summary>The judge, with all checked that can be checked before it is loaded; null if none was asked for.</summary>
    /// <exception cref="BeearException">There is no such model, no key, or the prompt lacks a place.</exception>
    public JudgeSource? Open(CommandContext context)
    {
        if (!HasJudge) return null;
        var options = new JudgeOptions { AtOnce = JudgeRequests, MaxReplyTokens = JudgeTokens };
        string template = JudgePrompt is { } file ? Text(file) : HarmfulnessJudge.DefaultTemplate;
        HarmfulnessJudge.RequirePlaces(template);
        if (JudgeEndpoint is { } endpoint)
        {
            var address = Address(endpoint);
            string? key = Key(address);
            if (key is not null && address.Scheme == Uri.UriSchemeHttp
                && !address.IsLoopback) context.Output.Warn($"the judge's key goes to {address.Host} unencrypted; use https.");
            return new JudgeSource($"{JudgeModel} at {address}", options, template,
                () => (new JudgeEndpointClient(address, JudgeModel!, key, context.Output.Warn), null));
        }
        var model = new ModelSettings { Model = Judge!, AdapterBase = JudgeAdapterBase, Precision = JudgePrecision }.Pin(context);
        using (var checkpoint = model.Locate(context).Open()) checkpoint.LoadChatFormat();
        string name = Path.Exists(model.Model) ? Path.GetFullPath(model.Model) : model.Model;
        return new JudgeSource($"{name}, {RecipeValue.Format(JudgePrecision)}", options, template, () =>
        {
            var loaded = model.Load(context);
            return (new Generation.LocalChatClient(loaded), loaded);
        });
    }

    /// <summary>MT-Bench's questions; null if they were not asked for.</summary>
    /// <exception cref="BeearException">The file is not there, or holds something else.</exception>
    public MtBench? ReadMtBench() => MtBench is { } file
        ? new MtBench(MtBenchQuestion.Read(file, MtBenchQuestions),
            new MtBenchOptions { MaxNewTokens = MtBenchTokens, BatchSize = MtBenchBatchSize }) : null;

    private static Uri Address(string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address)
            || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
            throw new BeearException($"--judge-endpoint: '{endpoint}' is no address of a server; give one such as "
                + "https://api.openai.com/v1.");
        if (address.UserInfo.Length > 0 || address.Query.Length > 0 || address.Fragment.Length > 0)
            throw new BeearException("--judge-endpoint: the address holds a user's name, a query or a fragment; leave it out, and give a "
                + "key by an environment variable.");
        return address;
    }

    /// <summary>The key; null for a server that wants none. It is named in no message.</summary>
    private string? Key(Uri address)
    {
        string variable = JudgeKeyVariable ?? DefaultKey;
        string key = Environment.GetEnvironmentVariable(variable)?.Trim() ?? "";
        if (key.Length == 0)
        {
            return JudgeKeyVariable is null && address.Host != OpenAIHost ? null
                : throw new BeearException($"The environment variable {variable} is not set; put the judge's key there.");
        }
        return key.All(letter => letter is > ' ' and < '\x7f')
            ? key : throw new BeearException(
            $"The environment variable {variable} holds something that is no key; put the judge's key there.");
    }

    /// <summary>A device or a pipe has no bytes by its folder, and could go on for ever.</summary>
    private static string Text(string file) =>
        new FileInfo(file) is { Exists: true, Length: > 0 and <= LongestPrompt } ? File.ReadAllText(file)
            : throw new BeearException($"--judge-prompt: '{file}' does not exist, is empty, or is larger than {LongestPrompt} bytes; "
            + $"name a text file with the places {{request}} and {{answer}}.");
}
