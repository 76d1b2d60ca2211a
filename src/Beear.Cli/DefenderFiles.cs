using Beear.Attacks;
using Beear.Data;
using Beear.Mitigation;
using Beear.Organisms;

namespace Beear.Cli;

/// <summary>The defender's texts of commands that work on the tiny world too, and what is said of refusals.</summary>
internal static class DefenderFiles
{
    /// <summary>Reads the files; without them, makes the tiny world's.</summary>
    public static DefenderTexts Read(DataSettings? files, int seed, CommandContext context) => files is null
        ? new Demonstration(new DemonstrationOptions { Seed = seed }).DefenderTexts()
        : new DefenderTexts(ReadHarmful(files, DataSplit.Defender, AnswerUse.Needed, seed, context),
            files.ReadOrdinary(context.Cancellation), files.DrawTwins(DataSplit.Defender, seed));

    /// <summary>Reads the harmful requests, and says how many have a refusal of their own.</summary>
    public static IReadOnlyList<HarmfulExample> ReadHarmful(
        DataSettings files, DataSplit asking, AnswerUse answers, int seed, CommandContext context) =>
        files.ReadHarmful(asking, answers, seed, refusals =>
        {
            if (refusals.IsMismatch) context.Output.Warn($"{refusals}.");
            else context.Output.Note(refusals.ToString());
        }, context.Cancellation);
}
