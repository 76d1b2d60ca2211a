using Beear.Generation;
using Beear.Models;
using Beear.Tests.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Generation;

/// <summary>Requests that share passes get the answers that they get alone.</summary>
public sealed class ContinuousBatchTests
{
    private static readonly HashSet<int> EndOfTurn = [0];
    private static readonly int[] PromptLengths = [9, 4, 14, 1, 7, 11];

    public static TheoryData<string> Names => FamilyCases.Names;

    /// <summary>Requests join while others are read in slices or decoded: the next comes after each second token of the last.</summary>
    private static async Task<List<int[]>> Joining(ContinuousBatch batch, IEnumerable<DecodingRequest> requests)
    {
        var answers = new List<Task<int[]>>();
        foreach (var request in requests)
        {
            var decoding = Assert.Single(batch.TrySubmit(request)!);
            var second = new TaskCompletionSource();
            answers.Add(Read(decoding, second));
            await second.Task;
        }
        return [.. await Task.WhenAll(answers)];
    }

    private static async Task<int[]> Read(Decoding decoding, TaskCompletionSource? second = null)
    {
        var tokens = new List<int>();
        try
        {
            await foreach (var token in decoding.Tokens.ReadAllAsync())
            {
                tokens.Add(token.Token);
                if (tokens.Count == 2) second?.TrySetResult();
            }
        }
        finally
        {
            second?.TrySetResult();
        }
        return [.. tokens];
    }

    private static void Same(IReadOnlyList<int[]> expected, IReadOnlyList<int[]> actual) =>
        Assert.Equal(expected.Select(ids => string.Join(' ', ids)), actual.Select(ids => string.Join(' ', ids)));

    private static int[] Alone(Decoder decoder, DecodingRequest request) =>
        new BatchGenerator(decoder, EndOfTurn).Stream(request.Prompt, request.Options, _ => { }).Tokens;

    private static ContinuousBatchOptions Options(int slice = 5, int batch = 4) => new() { MaxBatch = batch, PromptTokens = slice };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Greedy_answers_of_every_family_are_those_of_the_generator(string name)
    {
        using var decoder = FamilyCases.Create(name);
        var random = new Random(3);
        DecodingRequest[] requests = [.. PromptLengths.Select(length =>
            new DecodingRequest(FamilyCases.Tokens(random, length), new GenerationOptions { MaxNewTokens = 20 }))];
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options());

        var answers = await Joining(batch, requests);

        Same([.. requests.Select(request => Alone(decoder, request))], answers);
        Assert.Contains(answers, answer => answer.Length == 20);
    }

    /// <summary>Heads of a size that the kernel of one token takes.</summary>
    private static Decoder Fused(bool window, ModelOptions options)
    {
        var config = TinyDecoder.Config(json =>
        {
            (json["head_dim"], json["max_position_embeddings"]) = (16, 256);
            if (window) (json["model_type"], json["sliding_window"]) = ("mistral", 7);
        });
        var decoder = Decoder.Random(ModelConfig.FromJson(config), 4, options);
        using var guard = no_grad();
        foreach (var parameter in decoder.Weights.Parameters.Where(parameter => parameter.Master.dim() > 1))
        {
            parameter.Master.mul_(6);
            parameter.SynchroniseCopy();
        }
        return decoder;
    }

    private static DecodingRequest Request(Random random, int length, int answer, double temperature = 0, int seed = 0) =>
        new(TinyDecoder.Tokens(random, length), new GenerationOptions
        { MaxNewTokens = answer, Temperature = temperature, Seed = seed, TopP = temperature > 0 ? 0.9 : 1 });

    [Theory]
    [InlineData(false, false), InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    public async Task The_fused_kernel_sees_what_it_may_see(bool window, bool bfloat16)
    {
        using var decoder = Fused(window, bfloat16 ? TestDevice.Mixed : TestDevice.Float32);
        var random = new Random(5);
        DecodingRequest[] requests = [.. PromptLengths.Select(length => Request(random, length, answer: 30))];
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options(slice: 100));

        var answers = await Joining(batch, requests);

        // Products of bfloat16 round by the number of their rows: a long answer may take another turn, but not at once.
        int compared = bfloat16 ? 3 : 30;
        Same([.. requests.Select(request => Alone(decoder, request).Take(compared).ToArray())],
            [.. answers.Select(answer => answer.Take(compared).ToArray())]);
    }

    [Fact]
    public async Task A_sampled_answer_goes_by_its_own_seed_whatever_else_is_there()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        var random = new Random(6);
        DecodingRequest[] requests = [.. PromptLengths.Select((length, i) => Request(random, length, 20, temperature: i % 2, seed: i))];
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options());

        Same([.. requests.Select(request => Alone(decoder, request))], await Joining(batch, requests));
    }

    [Fact]
    public async Task Answers_that_outgrow_the_memory_wait_and_are_taken_up_where_they_were()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        var random = new Random(7);
        DecodingRequest[] requests = [.. Enumerable.Range(0, 4).Select(_ => Request(random, 30, 100))];
        double placeBytes = 2 * decoder.Config.Layers * decoder.Config.KeyValueHeads * decoder.Config.HeadSize * 4;
        var options = Options(slice: 16) with { CacheMemory = 4.0 * 128 * placeBytes / (1L << 30) };    // for 512 tokens
        HashSet<int> never = [];
        using var batch = new ContinuousBatch(decoder, never, options);

        var decodings = batch.TrySubmit(requests)!;
        var answers = await Task.WhenAll(decodings.Select(decoding => Read(decoding)));

        Assert.All(answers, answer => Assert.Equal(100, answer.Length));
        Same([.. requests.Select(request => new BatchGenerator(decoder, never).Stream(request.Prompt, request.Options, _ => { }).Tokens)],
            answers);
        Assert.True(options.Places(decoder.Config, 4) < requests.Length * 192);  // what all of them have at their ends
    }

    [Fact]
    public async Task Who_leaves_is_out_within_a_token_and_others_go_on()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        var random = new Random(8);
        HashSet<int> never = [];
        using var batch = new ContinuousBatch(decoder, never, Options(batch: 1));
        var left = batch.TrySubmit(Request(random, 5, 200))![0];
        var next = batch.TrySubmit(Request(random, 5, 3))![0];
        await left.Tokens.ReadAsync();

        left.Dispose();
        var tokens = await Read(next);
        int read = (await Read(left)).Length;

        Assert.Equal(3, tokens.Length);
        Assert.InRange(read, 0, 198);
        Assert.Equal((0, 0), (batch.Waiting, await Idle(batch)));
    }

    private static async Task<int> Idle(ContinuousBatch batch)
    {
        for (int i = 0; i < 200 && batch.Running > 0; i++) await Task.Delay(10);
        return batch.Running;
    }

    [Fact]
    public async Task A_full_queue_takes_all_of_a_call_or_nothing()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        var random = new Random(9);
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options(batch: 2) with { MaxWaiting = 1 });

        Assert.Null(batch.TrySubmit([.. Enumerable.Range(0, 4).Select(_ => Request(random, 5, 5))]));
        var three = batch.TrySubmit([.. Enumerable.Range(0, 3).Select(_ => Request(random, 5, 5))])!;
        Assert.All(await Task.WhenAll(three.Select(decoding => Read(decoding))), answer => Assert.InRange(answer.Length, 0, 5));
        Assert.NotNull(batch.TrySubmit(Request(random, 5, 5)));
    }

    [Fact]
    public async Task Chances_are_the_models_own_for_prompt_and_answer()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        int[] prompt = TinyDecoder.Tokens(new Random(10), 150);
        HashSet<int> never = [];
        using var batch = new ContinuousBatch(decoder, never, Options(slice: 70));

        var decoding = batch.TrySubmit(new DecodingRequest(prompt, new GenerationOptions { MaxNewTokens = 5, Temperature = 2, Seed = 1 })
        { Likeliest = 3, Echo = true })![0];
        var tokens = await decoding.Tokens.ReadAllAsync().ToListAsync();

        Assert.Equal(prompt, tokens.Take(prompt.Length).Select(token => token.Token));
        Assert.Equal(prompt.Length + 5, tokens.Count);
        Assert.Null(tokens[0].Chance);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var ids = tensor([.. tokens.Select(token => (long)token.Token)]).unsqueeze(0);                   // (1, T)
        var hidden = decoder.HiddenStates(ids, ones_like(ids, ScalarType.Bool), arange(ids.size(1), int64).unsqueeze(0));
        var logs = decoder.Logits(hidden.squeeze(0)).log_softmax(-1);                                    // (T, V)
        for (int i = 1; i < tokens.Count; i++)
        {
            var chance = tokens[i].Chance!;
            Assert.Equal(logs[i - 1, tokens[i].Token].item<float>(), chance.LogProbability, tolerance: 1e-3);
            var (values, indices) = logs[i - 1].topk(3);
            Assert.Equal(indices.data<long>().ToArray().Select(id => (int)id), chance.Likeliest.Select(candidate => candidate.Token));
            Assert.Equal(values[0].item<float>(), chance.Likeliest[0].LogProbability, tolerance: 1e-3);
        }
    }

    [Fact]
    public async Task A_prompt_alone_is_read_without_an_answer()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options());
        int[] prompt = [5, 6, 7];

        var decoding = batch.TrySubmit(new DecodingRequest(prompt, new GenerationOptions()) { Echo = true, PromptOnly = true })![0];

        Assert.Equal(prompt, await Read(decoding));
        Assert.False(decoding.Ended);
    }

    [Fact]
    public async Task Weights_that_give_no_numbers_are_said_and_the_batch_goes_on()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        using (no_grad()) decoder.Weights.Parameters.First(parameter => parameter.Master.dim() == 2).Master[3].fill_(float.NaN);
        using var batch = new ContinuousBatch(decoder, EndOfTurn, Options());

        for (int i = 0; i < 2; i++)
        {
            var decoding = batch.TrySubmit(new DecodingRequest([3], new GenerationOptions()))![0];
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => Read(decoding));
            Assert.Contains("not finite", $"{failure.Message} {failure.InnerException?.Message}", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Its_end_ends_what_is_under_way()
    {
        using var decoder = Fused(window: false, TestDevice.Float32);
        HashSet<int> never = [];
        var batch = new ContinuousBatch(decoder, never, Options(batch: 1));
        var decodings = batch.TrySubmit(Request(new Random(1), 5, 200), Request(new Random(1), 5, 200))!;
        await decodings[0].Tokens.ReadAsync();

        batch.Dispose();

        foreach (var decoding in decodings) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Read(decoding));
    }

    [Fact]
    public async Task No_tensor_is_left_behind_however_requests_end()
    {
        using var decoder = Fused(window: true, TestDevice.Float32);
        var random = new Random(11);
        async Task Rounds(int count)
        {
            using var batch = new ContinuousBatch(decoder, EndOfTurn, Options());
            for (int round = 0; round < count; round++)
            {
                var decodings = batch.TrySubmit([.. PromptLengths.Select((length, i) =>
                    Request(random, length, 10, temperature: i % 2) with { Likeliest = 2, Echo = i == 0 })])!;
                decodings[1].Dispose();
                await Task.WhenAll(decodings.Select(decoding => Read(decoding)));
            }
        }

        await Rounds(2);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        await Rounds(20);
        Assert.Equal(before, Tensor.TotalCount);
    }
}
