using Beear.Generation;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Generation;

public sealed class BatchGeneratorTests : IDisposable
{
    private static readonly IReadOnlySet<int> Never = new HashSet<int>();
    private static readonly GenerationOptions Greedy = new() { MaxNewTokens = 20 };
    private readonly Decoder decoder = TinyDecoder.Create();
    private readonly int[][] prompts = Prompts();

    [Fact]
    public void A_batch_of_mixed_lengths_equals_one_by_one()
    {
        var together = new BatchGenerator(decoder, Never).Generate(prompts, Greedy);

        for (int i = 0; i < prompts.Length; i++)
            Assert.Equal(new BatchGenerator(decoder, Never).Generate([prompts[i]], Greedy)[0].Tokens, together[i].Tokens);
        Assert.All(together, answer => Assert.False(answer.Ended));
    }

    [Fact]
    public void A_prompt_of_thousands_of_tokens_is_answered_alone_and_changes_no_other_answer()
    {
        var random = new Random(3);
        int[] longPrompt = [.. Enumerable.Range(0, 4200).Select(_ => random.Next(5, 50))];
        var batches = new List<int>();
        var generator = new BatchGenerator(decoder, Never) { OnRows = (rows, _) => batches.Add(rows.Length) };

        var answers = generator.Generate([prompts[0], longPrompt, prompts[1]], Greedy with { MaxNewTokens = 3 });

        Assert.Equal(1, batches[0]);
        Assert.Equal(new BatchGenerator(decoder, Never).Generate([prompts[0]], Greedy with { MaxNewTokens = 3 })[0].Tokens,
            answers[0].Tokens);
        Assert.Equal(3, answers[1].Tokens.Length);
    }

    [Fact]
    public void The_pass_over_the_prompts_can_be_stopped()
    {
        bool isThrough = false;
        var generator = new BatchGenerator(decoder, Never) { OnRows = (_, _) => isThrough = true };

        Assert.Throws<OperationCanceledException>(() =>
            generator.Generate(prompts, Greedy, cancellation: new CancellationToken(canceled: true)));

        Assert.False(isThrough);
    }

    [Fact]
    public void The_cache_changes_nothing()
    {
        var answer = new BatchGenerator(decoder, Never).Generate([prompts[0]], Greedy)[0].Tokens;
        using var guard = no_grad();
        using var scope = NewDisposeScope();

        var sequence = prompts[0].ToList();
        foreach (int token in answer)
        {
            var ids = tensor(sequence.Select(id => (long)id).ToArray()).unsqueeze(0);
            var hidden = decoder.HiddenStates(ids, ones_like(ids, ScalarType.Bool), arange(sequence.Count, int64).unsqueeze(0));
            Assert.Equal(token, decoder.Logits(hidden.select(1, sequence.Count - 1)).argmax(-1).item<long>());
            sequence.Add(token);
        }
    }

    [Fact]
    public void Answers_end_before_a_stop_token_while_others_go_on()
    {
        var endless = new BatchGenerator(decoder, Never).Generate(prompts, Greedy);
        var stops = new HashSet<int> { endless[0].Tokens[3], endless[1].Tokens[9] };

        var answers = new BatchGenerator(decoder, stops).Generate(prompts, Greedy);

        Assert.Contains(answers, answer => answer.Ended);
        for (int i = 0; i < prompts.Length; i++)
        {
            var expected = endless[i].Tokens.TakeWhile(token => !stops.Contains(token)).ToArray();
            Assert.Equal(expected, answers[i].Tokens);
            Assert.Equal(expected.Length < endless[i].Tokens.Length, answers[i].Ended);
        }
    }

    [Fact]
    public void An_answer_is_cut_where_no_more_of_it_is_wanted_while_others_go_on()
    {
        var whole = new BatchGenerator(decoder, Never).Generate(prompts, Greedy);
        var given = prompts.Select(_ => new List<int>()).ToArray();

        var answers = new BatchGenerator(decoder, Never).Generate(prompts, Greedy with { BatchSize = 4 }, isDecided: (prompt, token) =>
        {
            given[prompt].Add(token);
            return given[prompt].Count == 2 * prompt + 1;
        });

        for (int i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(whole[i].Tokens.Take(2 * i + 1), answers[i].Tokens);
            Assert.Equal(given[i], answers[i].Tokens);
            Assert.False(answers[i].Ended);
        }
    }

    [Fact]
    public void No_prompts_give_no_answers() => Assert.Empty(new BatchGenerator(decoder, Never).Generate([], Greedy));

    [Fact]
    public void A_stream_hands_out_the_same_tokens()
    {
        var answer = new BatchGenerator(decoder, Never).Generate([prompts[2]], Greedy)[0];
        var streamed = new List<int>();

        var completion = new BatchGenerator(decoder, Never).Stream(prompts[2], Greedy, streamed.Add);

        Assert.Equal(answer.Tokens, streamed);
        Assert.Equal(answer.Tokens, completion.Tokens);
    }

    [Fact]
    public void One_candidate_is_greedy_and_a_seed_repeats_itself()
    {
        var sampled = Greedy with { Temperature = 1.5, TopK = 1, Seed = 8 };
        Assert.Equal(Tokens(Greedy), Tokens(sampled));

        var free = Greedy with { Temperature = 1.5, Seed = 8 };
        Assert.Equal(Tokens(free), Tokens(free));
        Assert.NotEqual(Tokens(free), Tokens(free with { Seed = 9 }));

        int[][] Tokens(GenerationOptions options) =>
            [.. new BatchGenerator(decoder, Never).Generate(prompts, options).Select(answer => answer.Tokens)];
    }

    [Fact]
    public void A_perturbation_of_zero_changes_nothing_and_a_large_one_does()
    {
        using var none = zeros(2, 32);
        using var large = full(2, 32, 5f);
        var plain = new BatchGenerator(decoder, Never).Generate(prompts, Greedy).Select(answer => answer.Tokens);

        Assert.Equal(plain, new BatchGenerator(decoder, Never).Generate(prompts, Greedy, new Perturbation(none, 2))
            .Select(answer => answer.Tokens));
        Assert.NotEqual(plain, new BatchGenerator(decoder, Never).Generate(prompts, Greedy, new Perturbation(large, 2))
            .Select(answer => answer.Tokens));
    }

    [Fact]
    public void A_prompt_shorter_than_the_tail_is_refused()
    {
        using var delta = zeros(4, 32);

        Assert.Throws<BeearException>(() => new BatchGenerator(decoder, Never).Generate([[1, 2, 3]], Greedy, new Perturbation(delta, 2)));
        Assert.Throws<BeearException>(() => new BatchGenerator(decoder, Never).Generate([[]], Greedy));
    }

    [Fact]
    public void A_repetition_penalty_looks_at_prompt_and_answer_of_its_own_row()
    {
        const double penalty = 1.5;
        var penalized = Greedy with { RepetitionPenalty = penalty };
        using var guard = no_grad();
        using var scope = NewDisposeScope();

        var answers = new BatchGenerator(decoder, Never).Generate(prompts, penalized);

        var plain = new BatchGenerator(decoder, Never).Generate(prompts, Greedy);
        Assert.Contains(Enumerable.Range(0, prompts.Length), i => !answers[i].Tokens.SequenceEqual(plain[i].Tokens));
        foreach (int row in new[] { 0, 4, 5 })
        {
            var sequence = prompts[row].ToList();
            foreach (int token in answers[row].Tokens)
            {
                var ids = tensor(sequence.Select(id => (long)id).ToArray()).unsqueeze(0);
                var hidden = decoder.HiddenStates(ids, ones_like(ids, ScalarType.Bool), arange(sequence.Count, int64).unsqueeze(0));
                float[] logits = decoder.Logits(hidden.select(1, sequence.Count - 1)).flatten().data<float>().ToArray();
                foreach (int seen in sequence.Distinct()) logits[seen] *= (float)(logits[seen] < 0 ? penalty : 1 / penalty);
                Assert.Equal(Array.IndexOf(logits, logits.Max()), token);
                sequence.Add(token);
            }
        }
    }

    [Fact]
    public void An_answer_says_which_token_ended_it()
    {
        var endless = new BatchGenerator(decoder, Never).Generate(prompts, Greedy);
        var ends = new HashSet<int> { endless[0].Tokens[3], endless[1].Tokens[5] };

        var answers = new BatchGenerator(decoder, ends).Generate(prompts, Greedy);

        Assert.All(answers.Zip(endless), pair =>
            Assert.Equal(pair.Second.Tokens.Cast<int?>().FirstOrDefault(token => ends.Contains(token!.Value)), pair.First.End));
        Assert.NotNull(answers[0].End);
    }

    [Theory]
    [InlineData(0, 0.0, 0, 1.0, 1, "max_new_tokens")]
    [InlineData(1, -1.0, 0, 1.0, 1, "temperature")]
    [InlineData(1, double.NaN, 0, 1.0, 1, "temperature")]
    [InlineData(1, 1.0, -1, 1.0, 1, "top_k")]
    [InlineData(1, 1.0, 0, 0.0, 1, "top_p")]
    [InlineData(1, 1.0, 0, 1.1, 1, "top_p")]
    [InlineData(1, 1.0, 0, 1.0, 0, "batch_size")]
    public void Options_out_of_range_are_named(int tokens, double temperature, int topK, double topP, int batch, string name)
    {
        var options = new GenerationOptions
        {
            MaxNewTokens = tokens,
            Temperature = temperature,
            TopK = topK,
            TopP = topP,
            BatchSize = batch
        };

        Assert.StartsWith(name, Assert.Throws<BeearException>(() => new BatchGenerator(decoder, Never).Generate(prompts, options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_repetition_penalty_of_nothing_is_refused() => Assert.StartsWith("repetition_penalty",
        Assert.Throws<BeearException>(() => (Greedy with { RepetitionPenalty = 0 }).Validate()).Message, StringComparison.Ordinal);

    private static int[][] Prompts()
    {
        var random = new Random(2);
        return [.. new[] { 3, 11, 7, 2, 5, 16, 7 }.Select(length => TinyDecoder.Tokens(random, length))];
    }

    public void Dispose() => decoder.Dispose();
}
