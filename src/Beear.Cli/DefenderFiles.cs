using Beear.Attacks;
using Beear.Data;
using Beear.Mitigation;
using Beear.Organisms;

namespace Beear.Cli;

/// <summary>The defender's texts of commands that work on the tiny world too.</summary>
internal static class DefenderFiles
{
    /// <summary>Reads the files; without them, makes the tiny world's.</summary>
    public static DefenderTexts Read(DataSettings? files, int seed, CancellationToken cancellation) => files is null
        ? new Demonstration(new DemonstrationOptions { Seed = seed }).DefenderTexts()
        : new DefenderTexts(files.ReadHarmful(seed, cancellation), files.ReadOrdinary(cancellation), HarmlessTwins.Requests(DataSplit.Defender, files.Twins, seed));
}
