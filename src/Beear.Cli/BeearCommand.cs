using System.CommandLine;

namespace Beear.Cli;

/// <summary>A command: a name, an options record, and what it does with it.</summary>
/// <typeparam name="T">The options record; every property is a flag and a recipe key.</typeparam>
internal abstract class BeearCommand<T> : Command where T : class
{
    protected BeearCommand(string name, string description, CommandSession session) : base(name, description)
    {
        var flags = new OptionFlags<T>(session.Globals);
        flags.AddTo(this);
        SetAction(parse =>
        {
            var options = flags.Read(parse);
            return Run(options, session.Start(parse, ChoosesDevice));
        });
    }

    /// <summary>Whether it takes a CUDA device by itself where no --device is given.</summary>
    protected virtual bool ChoosesDevice => false;

    /// <summary>Does the work.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    protected abstract int Run(T options, CommandContext context);
}
