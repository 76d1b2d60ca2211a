using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Tests.Mitigation;

/// <summary>What takes seconds on a real model and reports no progress within them still hears Ctrl-C.</summary>
public sealed class CancellationTests : IDisposable
{
    private static readonly CancellationToken Cancelled = new(canceled: true);
    private readonly UntrainedChat chat = new();
    private readonly LanguageModel model;
    private readonly IReadOnlyList<ContrastExample> examples;

    public CancellationTests()
    {
        model = chat.Fresh();
        examples = UntrainedChat.Data(model).Harmful;
    }

    [Fact]
    public void Preparing_an_inner_batch_stops_between_layers() =>
        Stops(() => new InnerProblem(model.Decoder, examples, 1, 2, cancellation: Cancelled).Dispose());

    [Fact]
    public void Likelihoods_under_random_strings_stop_between_layers()
    {
        var strings = new RandomStrings(model, new RandomStringOptions { Count = 3 }, examples, seed: 4);
        Stops(() => strings.Likelihoods(2, Cancelled));
        Stops(() => strings.Openings([new Opening([1, 2], "Sure", 1, 1, 0, 0)], Cancelled));
    }

    [Fact]
    public void Hidden_states_of_prompts_stop_between_layers() =>
        Stops(() => model.Decoder.PromptStates([.. examples.Select(example => example.Prompt)], null, Cancelled));

    private static void Stops(Action work) => Assert.ThrowsAny<OperationCanceledException>(work);

    public void Dispose()
    {
        model.Dispose();
        chat.Dispose();
    }
}
