using Beear.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>Progress on a terminal: a line with a bar for each stage; those under way move.</summary>
internal sealed class LiveProgress : IProgress<RunProgress>
{
    private readonly Lock gate = new();
    private readonly ProgressContext context;
    private readonly Dictionary<string, ProgressClock> clocks = [];
    private readonly Dictionary<string, ProgressTask> tasks = [];
    private readonly TailColumn tail;

    private LiveProgress(ProgressContext context, TailColumn tail) => (this.context, this.tail) = (context, tail);

    /// <summary>Runs work, showing its progress until it ends.</summary>
    public static T Run<T>(IAnsiConsole console, Func<IProgress<RunProgress>, T> work)
    {
        var texts = new TailColumn();
        return console.Progress().HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, texts)
            .Start(context => work(new LiveProgress(context, texts)));
    }

    public void Report(RunProgress value)
    {
        lock (gate)
        {
            if (!clocks.TryGetValue(value.Stage, out var clock)) clocks.Add(value.Stage, clock = new ProgressClock(TimeProvider.System));
            if (clock.Observe(value)) tasks[value.Stage] = context.AddTask(Markup.Escape(Terminal.Escape(value.Stage)));
            var task = tasks[value.Stage];
            task.IsIndeterminate = value.Total <= 0;
            task.MaxValue = Math.Max(1, value.Total);
            task.Value = value.Total > 0 ? value.Done : 0;
            tail.Set(task.Id, Describe(value, clock));
        }
    }

    private static string Describe(RunProgress value, ProgressClock clock)
    {
        var count = ProgressClock.Count(value);
        var time = ProgressClock.IsEnd(value) ? ProgressClock.Format(clock.Elapsed)
            : clock.Left(value) is { } left ? $"{ProgressClock.Format(left)} left" : "";
        return Terminal.Escape(string.Join("  ", new[] { count, time, value.Detail ?? "" }.Where(part => part.Length > 0)));
    }

    /// <summary>Count, time and detail of each stage.</summary>
    private sealed class TailColumn : ProgressColumn
    {
        private readonly Dictionary<int, string> texts = [];

        public void Set(int id, string text)
        {
            lock (texts) texts[id] = text;
        }

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            lock (texts) return new Paragraph(texts.GetValueOrDefault(task.Id, "")).Overflow(Overflow.Ellipsis);
        }
    }
}
