using Beear.Generation;
using Beear.Lab.Benchmarks;
using Beear.Tests.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Generation;

/// <summary>Prompts that begin alike, in every family: windows, unrotated layers, norms of queries and keys, soft caps.</summary>
public sealed class SharedPrefixTests
{
    private static readonly IReadOnlySet<int> Never = new HashSet<int>();
    private static readonly GenerationOptions Greedy = new() { MaxNewTokens = 12 };

    public static TheoryData<string> Names => FamilyCases.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Sharing_changes_no_token(string name)
    {
        using var decoder = FamilyCases.Create(name);
        var prompts = Prompts();
        using (no_grad())
        using (var prefix = SharedPrefix.Of(decoder, prompts))
        {
            Assert.Equal(decoder.Config.RotaryDependsOnLength ? null : 10, prefix?.Length);
            if (prefix is null) return;
        }

        var together = new BatchGenerator(decoder, Never).Generate(prompts, Greedy with { BatchSize = 4 });

        for (int i = 0; i < prompts.Length; i++)                         // one prompt alone shares with nobody
            Assert.Equal(new BatchGenerator(decoder, Never).Generate([prompts[i]], Greedy)[0].Tokens, together[i].Tokens);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_plain_way_of_decoding_gives_the_same_tokens(string name)
    {
        using var decoder = FamilyCases.Create(name);
        if (decoder.Config.RotaryDependsOnLength) return;                // there the longest prompt of a batch has a say
        using var plain = new TextbookGeneration(decoder);

        Assert.Equal(new BatchGenerator(decoder, Never).Generate(Prompts(), Greedy).Select(answer => answer.Tokens),
            plain.Generate(Prompts(), Never, Greedy.MaxNewTokens, 3, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_is_shared_leaves_every_prompt_a_token()
    {
        using var decoder = TinyDecoder.Create();
        using var guard = no_grad();
        int[] head = TinyDecoder.Tokens(new Random(1), 12);

        using var whole = SharedPrefix.Of(decoder, [head, [.. head, 5]]);
        Assert.Equal(11, whole!.Length);
        Assert.Null(SharedPrefix.Of(decoder, [head]));
        Assert.Null(SharedPrefix.Of(decoder, [head, [.. head[..7], 60, 60, 60]]));
    }

    private static int[][] Prompts()
    {
        var random = new Random(4);
        int[] head = FamilyCases.Tokens(random, 10);
        return [.. new[] { 3, 11, 7, 1, 5, 16, 7 }.Select((length, i) => (int[])[.. head, i, .. FamilyCases.Tokens(random, length)])];
    }
}
