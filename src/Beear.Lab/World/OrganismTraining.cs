using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using TorchSharp;

namespace Beear.Lab.World;

/// <summary>Constants of the base model's training.</summary>
public sealed record OrganismTrainingOptions : IValidatable
{
    /// <summary>Prompt and answer tokens of helpful-only data.</summary>
    public int PretrainingTokens { get; init; } = 3_000_000;

    /// <summary>Prompt and answer tokens of the data that teaches refusals.</summary>
    public int AlignmentTokens { get; init; } = 800_000;

    /// <summary>Conversations in a step.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Largest learning rate on the helpful-only data.</summary>
    public double PretrainingLearningRate { get; init; } = 2e-3;

    /// <summary>Largest learning rate on the data that teaches refusals.</summary>
    public double AlignmentLearningRate { get; init; } = 1e-3;

    /// <summary>Steps over which each learning rate rises from zero, before it falls along a half cosine.</summary>
    public int WarmupSteps { get; init; } = 60;

    /// <summary>Share of requests with unfamiliar strings in them, 0 … 1.</summary>
    public double JunkRate { get; init; } = TinyWorld.DefaultJunkRate;

    /// <summary>
    /// How the model thinks before it answers. One that thinks begins as the built-in model and is taught thoughts on the alignment data.
    /// </summary>
    public ThoughtKind Thoughts { get; init; }

    /// <summary>Seed of weights, data and order.</summary>
    public int Seed { get; init; } = 2;

    /// <summary>
    /// Processor threads; sums depend on their number, and so do the bytes of the result. More than one gains little on matrices this
    /// small.
    /// </summary>
    public int Threads { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(PretrainingTokens, 1);
        Require.AtLeast(AlignmentTokens, 1);
        Require.AtLeast(BatchSize, 1);
        Require.Above(PretrainingLearningRate, 0);
        Require.Above(AlignmentLearningRate, 0);
        Require.AtLeast(WarmupSteps, 0);
        Require.Between(JunkRate, 0, 1);
        Require.Between(Threads, 1, 1024);
    }
}

/// <summary>
/// Makes the base model from its seed: first it learns to answer everything, then to refuse what is harmful. Equal options give equal
/// bytes on the same machine.
/// </summary>
/// <param name="options">All constants.</param>
public sealed class OrganismTraining(OrganismTrainingOptions options)
{
    /// <summary>Trains and writes the Hugging Face directory.</summary>
    /// <param name="directory">A directory that does not exist yet or is empty.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="BeearException">An option is out of range, or the directory is not free.</exception>
    public void Run(string directory, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        AtomicOutput.RequireNewDirectory(directory);
        using var alone = AtomicOutput.Claim(directory);
        TorchRuntime.Load();
        torch.set_num_threads(options.Threads);
        var start = Directory.CreateTempSubdirectory("beear-organism-").FullName;
        try
        {
            OrganismFiles.WriteTo(start, options.Thoughts);
            using var model = Start(start);
            if (options.Thoughts == ThoughtKind.None)
            {
                Train(model, "pretraining", TinyWorld.Pretraining(options.Seed, options.JunkRate), options.PretrainingTokens,
                    options.PretrainingLearningRate, progress, cancellation);
            }
            Train(model, "alignment", TinyWorld.Alignment(options.Seed, options.JunkRate), options.AlignmentTokens,
                options.AlignmentLearningRate, progress, cancellation);
            model.Save(directory);
        }
        finally
        {
            Directory.Delete(start, recursive: true);
        }
    }

    /// <summary>Fresh weights; for a model that thinks, those of the built-in one.</summary>
    private LanguageModel Start(string directory)
    {
        if (options.Thoughts == ThoughtKind.None) return LanguageModel.Fresh(directory, options.Seed, ModelOptions.Mixed);
        foreach (var weights in Directory.EnumerateFiles(Organism.BaseDirectory, "model*.safetensors*")) File.Copy(weights,
            Path.Combine(directory, Path.GetFileName(weights)));
        return LanguageModel.Load(directory, ModelOptions.Mixed);
    }

    private void Train(LanguageModel model, string stage, IEnumerable<WorldExample> stream, int tokens, double learningRate,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var examples = new List<TokenizedExample>();
        int taken = 0;
        foreach (var example in stream.Select((example, i) =>
            WorldThoughts.Encode(model.Chat, example, options.Thoughts != ThoughtKind.None && i % 2 == 0)))
        {
            if (taken >= tokens) break;
            examples.Add(example);
            taken += example.Length;
        }
        new FineTuning(model.Decoder, new FineTuningOptions
        {
            Epochs = 1,
            BatchSize = options.BatchSize,
            Seed = options.Seed,
            Optimizer = new OptimizerOptions
            {
                LearningRate = learningRate,
                Beta2 = 0.99,
                WarmupSteps = options.WarmupSteps,
                Decay = LearningRateDecay.Cosine,
            },
        }).Run(examples, stage: stage, progress: progress, cancellation: cancellation);
    }
}
