using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Server.OpenAI;
using Beear.Server.Web;

namespace Beear.Bench;

/// <summary>
/// A server of one model under load, over HTTP: what one client gets, what many get together, its memory, and how long a new prompt waits
/// for its first token beside others.
/// </summary>
internal static class ServeBench
{
    private const int Clients = 32, Streams = 16, AnswerTokens = 64, LongAnswer = 400, PromptTokens = 200, Repetitions = 7;

    private static readonly string[] Questions = ["how do I bake bread", "name three red things", "tell me about soap",
        "explain how to open a lock", "why is the sky blue", "write a short letter to a friend"];

    /// <summary>One measured line.</summary>
    public sealed record Row(string Name, string Value);

    /// <summary>Loads a model, serves it on a free port, and measures.</summary>
    /// <param name="path">The model.</param>
    /// <param name="seconds">How long many clients stream; one client has a third of it.</param>
    /// <param name="threads">Of libtorch; all cores if null.</param>
    public static async Task<IReadOnlyList<Row>> Run(string path, double seconds, int? threads)
    {
        FreedMemory.Keep();
        TorchRuntime.Load();
        if (threads is { } count) TorchSharp.torch.set_num_threads(count);
        using var stop = new CancellationTokenSource();
        var model = new ServedModel("model", LanguageModel.Load(path, ModelOptions.Float32), new ContinuousBatchOptions());
        using var serving = new Serving([model], new ServingOptions(), seed: 1);
        await using var app = OpenAIServer.Build(serving, new WebOptions(), key: null,
            failure => Console.Error.WriteLine(failure));
        var started = new TaskCompletionSource<Uri>();
        var running = LocalServer.Run(app, started.SetResult, stop.Token);
        using var client = new HttpClient { BaseAddress = await started.Task, Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            return await Measure(client, model, seconds);
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
    }

    private static async Task<IReadOnlyList<Row>> Measure(HttpClient client, ServedModel model, double seconds)
    {
        await Load(client, 1, seconds / 20);                                                             // what is made once
        var one = await Load(client, 1, seconds / 3);
        var many = await Load(client, Clients, seconds);
        double alone = await FirstToken(client, model);
        double beside;
        using (var stop = new CancellationTokenSource())
        {
            var streams = Enumerable.Range(0, Streams).Select(i => Stream(client, i, stop.Token)).ToArray();
            await Task.Delay(TimeSpan.FromSeconds(2));
            beside = await FirstToken(client, model);
            await stop.CancelAsync();
            await Task.WhenAll(streams);
        }
        return
        [
            new("one client, tokens/s", Text(one.Tokens / one.Seconds)),
            new($"{Clients} clients, tokens/s", Text(many.Tokens / many.Seconds)),
            new("ratio", Text(many.Tokens / many.Seconds / (one.Tokens / one.Seconds))),
            new("the same by second of processor time, clients included", string.Join(", ",
                Text(one.Tokens / one.Work), Text(many.Tokens / many.Work), Text(many.Tokens / many.Work / (one.Tokens / one.Work)))),
            new($"{Clients} clients: answers, errors", $"{many.Answers}, {many.Errors}"),
            new($"{Clients} clients: median wait for the first token, s", Text(many.FirstToken)),
            new("memory before and at each quarter, MiB", string.Join(", ", many.Memory.Select(bytes => bytes >> 20))),
            new($"first token of {PromptTokens} tokens alone, s", Text(alone)),
            new($"the same beside {Streams} streams, s", Text(beside)),
            new("ratio", Text(beside / alone)),
        ];
    }

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static long Memory()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>What clients got; the seconds of the clock and of processors that it took.</summary>
    private sealed record Result(long Tokens, int Answers, int Errors, double Seconds, double Work, double FirstToken,
        IReadOnlyList<long> Memory);

    /// <summary>Clients that ask again as soon as they have their answers; what is under way at the end is counted and left.</summary>
    private static async Task<Result> Load(HttpClient client, int clients, double seconds)
    {
        var (tokens, answers, errors, firsts) = (0L, 0, 0, new List<double>());
        using var process = Process.GetCurrentProcess();
        var work = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var memory = new List<long> { Memory() };
        await using var sampling = new Timer(_ => memory.Add(Memory()), state: null, TimeSpan.FromSeconds(seconds * 0.249),
            TimeSpan.FromSeconds(seconds * 0.249));
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async number =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                try
                {
                    double asked = watch.Elapsed.TotalSeconds;
                    bool first = true;
                    await foreach (var _ in Chat(client, Questions[(number + i) % Questions.Length], (number * 10_000) + i, AnswerTokens,
                        stop.Token))
                    {
                        Interlocked.Increment(ref tokens);
                        if (first)
                        {
                            lock (firsts) firsts.Add(watch.Elapsed.TotalSeconds - asked);
                        }
                        first = false;
                    }
                    Interlocked.Increment(ref answers);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception failure) when (failure is HttpRequestException or IOException or InvalidOperationException)
                {
                    Interlocked.Increment(ref errors);
                    await Console.Error.WriteLineAsync(failure.Message);
                }
            }
        }));
        process.Refresh();
        return new Result(tokens, answers, errors, watch.Elapsed.TotalSeconds, (process.TotalProcessorTime - work).TotalSeconds,
            Median(firsts), memory);
    }

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);

    private static async Task Stream(HttpClient client, int number, CancellationToken cancellation)
    {
        try
        {
            for (int i = 0; ; i++)
            {
                await foreach (var _ in Chat(client, Questions[number % Questions.Length], (number * 10_000) + i, LongAnswer, cancellation))
                {
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The way in which it ends.
        }
    }

    private static IAsyncEnumerable<string> Chat(HttpClient client, string question, int seed, int tokens,
        CancellationToken cancellation) =>
        Pieces(client, "v1/chat/completions", new JsonObject
        {
            ["model"] = "model",
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }),
            ["max_tokens"] = tokens,
            ["temperature"] = 1,
            ["seed"] = seed,
            ["logprobs"] = true,                                         // a piece for each token, whatever its text
            ["stream"] = true,
        }, cancellation);

    /// <summary>Seconds until the first token of a prompt comes, the median of some.</summary>
    private static async Task<double> FirstToken(HttpClient client, ServedModel model)
    {
        var random = new Random(1);
        var times = new List<double>();
        for (int i = 0; i <= Repetitions; i++)
        {
            var ids = Enumerable.Range(0, PromptTokens).Select(_ => (JsonNode)random.Next(10, model.Model.Chat.Tokenizer.VocabularySize));
            var watch = Stopwatch.StartNew();
            await foreach (var _ in Pieces(client, "v1/completions", new JsonObject
            {
                ["model"] = "model",
                ["prompt"] = new JsonArray([.. ids]),
                ["max_tokens"] = 1,
                ["logprobs"] = 0,
                ["stream"] = true,
            }, CancellationToken.None))
            {
                times.Add(watch.Elapsed.TotalSeconds);
                break;
            }
            if (i == 0) times.Clear();
            await Task.Delay(200);
        }
        return Median(times);
    }

    /// <summary>The pieces of a stream that hold a token.</summary>
    private static async IAsyncEnumerable<string> Pieces(HttpClient client, string path, JsonObject body,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (line == "data: [DONE]") yield break;
            if (line.Contains("\"error\"", StringComparison.Ordinal)) throw new InvalidOperationException(line);
            if (line.Contains("\"logprobs\":{", StringComparison.Ordinal)) yield return line;
        }
        throw new InvalidOperationException("The stream ended without its end.");
    }
}
