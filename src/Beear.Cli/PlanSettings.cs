using Beear.Data;
using Beear.Hub;
using Beear.Lab.Plans;
using Beear.Lab.Runs;

namespace Beear.Cli;

/// <summary>Reads plans and makes them ready to run.</summary>
internal static class PlanSettings
{
    /// <summary>
    /// Reads a plan. Recipes that it names lie beside it, as what it extends does; models and data are found from the working directory.
    /// </summary>
    /// <param name="path">The YAML file.</param>
    public static PlanFile Read(string path)
    {
        var plan = Recipe.Read<PlanFile>(path);
        string folder = Path.GetDirectoryName(path) ?? "";
        return plan with
        {
            Name = plan.Name ?? Path.GetFileNameWithoutExtension(path),
            Arms = [.. plan.Arms.Select(arm => arm.Recipe is null ? arm : arm with { Recipe = Path.Combine(folder, arm.Recipe) })],
        };
    }

    private static string Experiments => Path.Combine(AppContext.BaseDirectory, "experiments");

    /// <summary>A plan that comes with the program.</summary>
    public static PlanFile Bundled(string name) => Read(Path.Combine(Experiments, $"{name}.yaml"));

    /// <summary>The names of plans that come with the program: this one, then those that begin with it and a dash.</summary>
    public static IEnumerable<string> BundledNames(string name) => Directory.GetFiles(Experiments, $"{name}-*.yaml")
        .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal).Prepend(name);

    /// <summary>The parts of a plan that are asked for.</summary>
    public static PlanFile Selected(PlanFile plan, IReadOnlyList<string> arms, IReadOnlyList<string> triggers, IReadOnlyList<int> seeds)
    {
        var chosen = Chosen("arm", plan.Arms, arm =>
            arm.Name, [.. arms.Except([RunName.Planted, RunName.NeverBackdoored], StringComparer.Ordinal)]);
        return plan with
        {
            Arms = [.. arms.Count > 0 && arms.All(arm => arm is RunName.Planted or RunName.NeverBackdoored) ? [] : chosen
                .Where(arm => triggers.Count == 0 || arm.Kind != ArmKind.NeverBackdoored || arm.EachTrigger)],
            Triggers = Chosen("trigger", plan.Triggers, trigger => trigger.Resolve().Name, triggers),
            Seeds = Chosen("seed", plan.Seeds, seed => $"{seed}", [.. seeds.Select(seed => $"{seed}")]),
        };
    }

    /// <summary>The plan on its subject.</summary>
    public static MatrixPlan Prepare(PlanFile plan, Evaluation.MtBench? bench, CommandContext context)
    {
        var device = context.Device();
        var backdoored = plan.Triggers.Select(trigger => trigger.Backdoored).OfType<string>().Distinct(StringComparer.Ordinal)
            .ToDictionary(named => named, named => LocatedModel.Of(named, adapterBase: null, context).Path, StringComparer.Ordinal);
        Subject subject;
        if (plan.Model is { } model)
        {
            RequireFiles(plan, model);
            var located = LocatedModel.Of(model.Source, model.AdapterBase, context);
            subject = new ModelSubject(model, located.Path, device, located.Base);
        }
        else
        {
            if (context.Settings.Threads is null) TorchSharp.torch.set_num_threads(1);   // as in the demonstration
            subject = new OrganismSubject(plan.Organism!, device);
        }
        return new MatrixPlan(plan, subject) { MtBench = bench, Backdoored = backdoored };
    }

    /// <summary>Files that a plan names are there. Plans that come with the program name some that do not come with it.</summary>
    private static void RequireFiles(PlanFile plan, ModelSubjectOptions model)
    {
        if (!Path.Exists(model.Source) && !HubReference.TryParse(model.Source, out _)) throw Missing("source", model.Source);
        (string Key, string? File)[] files =
        [
            ("harmful", model.Harmful), ("refusals", model.Refusals), ("ordinary", model.Ordinary), ("given", model.Given),
            ("other", model.Other),
            .. model.Parties.Select(party => ($"{RecipeValue.Format(party.Split)}.harmful", party.Rows.Harmful)),
        ];
        foreach (var (key, file) in files)
        {
            if (file is not null && BuiltInRequests.Parse(file) is null && !File.Exists(file)) throw Missing(key, file);
        }

        BeearException Missing(string key, string file) => new($"The plan '{plan.Name}' needs '{file}' (model.{key}), which is not there, "
            + $"looked for from '{Environment.CurrentDirectory}'; the head of the plan's file says where it comes from and "
            + "how to give your own.");
    }

    /// <summary>What is asked for of a list; all of it if nothing is.</summary>
    private static IReadOnlyList<T> Chosen<T>(string what, IReadOnlyList<T> all, Func<T, string> nameOf, IReadOnlyList<string> asked)
    {
        if (asked.Count == 0) return all;
        var known = all.Select(nameOf).ToList();
        if (asked.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } unknown)
            throw new BeearException($"--{what}s: there is no {what} '{unknown}'{Spelling.Advice(unknown, known)}");
        return [.. all.Where(one => asked.Contains(nameOf(one), StringComparer.Ordinal))];
    }
}
