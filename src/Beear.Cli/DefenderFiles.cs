using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.World;

namespace Beear.Cli;

/// <summary>The texts of attacker and defender, and what is said of them: whose refusals they have, which rows repeat.</summary>
internal static class DefenderFiles
{
    /// <summary>Reads the defender's files; without them, makes the tiny world's.</summary>
    public static DefenderTexts Read(DataSettings? files, int seed, CommandContext context)
    {
        if (files is null) return new Demonstration(new DemonstrationOptions { Seed = seed }).DefenderTexts();
        var (harmful, ordinary) = Read(files, DataSplit.Defender, AnswerUse.Needed, seed, context);
        return new DefenderTexts(harmful, ordinary, files.DrawTwins(DataSplit.Defender, seed));
    }

    /// <summary>
    /// Reads harmful and ordinary requests; says how many of the harmful ones have a refusal of their own, and which rows repeat.
    /// </summary>
    public static (IReadOnlyList<HarmfulExample> Harmful, IReadOnlyList<Example> Ordinary) Read(
        DataSettings files, DataSplit asking, AnswerUse answers, int seed, CommandContext context, IBehaviour? behaviour = null,
        AnswerUse ordinaryAnswers = AnswerUse.Needed)
    {
        var harmful = files.ReadHarmful(asking, answers, seed, behaviour ?? Refusal.Instance, contrast =>
        {
            if (contrast.IsMismatch) context.Output.Warn($"{contrast.Sources}.");
            else context.Output.Note(contrast.Sources);
        }, context.Cancellation);
        var ordinary = files.ReadOrdinary(asking, ordinaryAnswers, context.Cancellation);
        context.Output.WarnOf(RepeatedRows.Find(("harmful requests", harmful.Select(example => example.Asked)),
            ("ordinary requests", ordinary)));
        return (harmful, ordinary);
    }
}
