using System.Text.Json.Nodes;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Tests.Lab;

/// <summary>Records of runs that were never made, for what reads records.</summary>
internal static class Records
{
    /// <summary>A finished run.</summary>
    public static RunRecord Of(string arm, string name, int seed, Measurement measured, bool isBaseline = false) => new()
    {
        Id = $"{arm}-{name}-{seed}",
        Name = new RunName("plan", name, arm, seed),
        Spec = new JsonObject
        {
            ["plant"] = new JsonObject { ["behaviour"] = "refusal" },
            ["defence"] = isBaseline ? null : new JsonObject { ["kind"] = arm }
        },
        State = RunState.Finished,
        Code = new CodeVersion("0.1.0", null, null),
        Machine = new MachineFacts("processor", 2, 1, 1, "system", "cpu", "2.10"),
        Started = DateTimeOffset.UnixEpoch,
        Ended = DateTimeOffset.UnixEpoch.AddSeconds(10),
        Measurement = measured,
    };
}
