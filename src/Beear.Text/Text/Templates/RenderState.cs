using System.Runtime.CompilerServices;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>
/// One rendering: its output, its clock, and what it has used up. All that a template does is paid from one budget before it is done, so
/// that a hostile one ends in an error after a fraction of a second: a unit is a character read or written, a step or an item costs
/// several. What is allocated on the way, kept or not, is bounded beside it, by the length of what is laid out.
/// </summary>
/// <param name="clock">What <c>strftime_now</c> reads.</param>
/// <param name="length">Characters of the conversation.</param>
internal sealed class RenderState(TimeProvider clock, long length = 0)
{
    private const int MaximumDepth = 400;
    private const long Budget = 64_000_000;
    private const int LargestValue = 8_000_000;
    private const int StepCost = 16;
    private const int ItemCost = 32;
    private const long FreeBytes = 32_000_000, BytesPerCharacter = 64;
    // a rendering stays on its thread
    private readonly long _mostAllocated = GC.GetAllocatedBytesForCurrentThread() + FreeBytes + BytesPerCharacter * length;
    private readonly Stack<StringBuilder> _outputs = new([new StringBuilder()]);
    private int _depth;
    private long _spent;

    /// <summary>What <c>strftime_now</c> reads.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Where generation blocks lie in the output, in UTF-16 units.</summary>
    public List<Range> Generated { get; } = [];

    /// <summary>The text written so far, outside of what is being captured.</summary>
    public string Text => _outputs.Peek().ToString();

    /// <summary>Counts one evaluation or iteration.</summary>
    public void Step() => Spend(StepCost);

    /// <summary>Counts a step one level deeper; pair it with <see cref="Leave"/>.</summary>
    public void Enter()
    {
        Step();
        if (++_depth > MaximumDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException($"it is nested or calls itself more than {MaximumDepth} levels deep");
    }

    public void Leave() => _depth--;

    /// <summary>Counts characters or items that are about to be read, or characters about to be made.</summary>
    public void Charge(long size)
    {
        if (size > LargestValue) throw TooMuch();
        Spend(size);
    }

    /// <summary>Counts items that are about to be made.</summary>
    public void ChargeItems(long count) => Charge(Math.Min(count, LargestValue) * ItemCost);

    /// <summary>Counts a search for a text in another, whose worst case is the product of their lengths.</summary>
    public void ChargeSearch(string text, string pattern) => Charge(text.Length * (1L + pattern.Length / 4096));

    /// <summary>Counts what it takes to look a key up.</summary>
    public void ChargeKey(object? key)
    {
        if (key is string text) Charge(text.Length);
        else if (key is TupleValue tuple) tuple.ForEach(item => Charge(item is string part ? part.Length : 1));
    }

    /// <summary>Appends to the output, or to what is being captured.</summary>
    public void Emit(string text) => Append(_outputs.Peek(), text);

    /// <summary>Appends to a text that is being made.</summary>
    public void Append(StringBuilder target, string text)
    {
        if (target.Length + (long)text.Length > LargestValue) throw TooMuch();
        Spend(text.Length);
        target.Append(text);
    }

    /// <summary>The text that the body writes, instead of writing it.</summary>
    public string Capture(Body body, Scope scope) => Capture(() => body.Execute(scope));

    /// <summary>The text that an action writes, instead of writing it.</summary>
    public string Capture(Action write)
    {
        _outputs.Push(new StringBuilder());
        write();
        return _outputs.Pop().ToString();
    }

    /// <summary>
    /// Writes the text of a generation block and notes its place, as if all text being captured will be written where it stands.
    /// </summary>
    public void EmitGenerated(string text)
    {
        var start = _outputs.Sum(output => output.Length);
        Generated.Add(start..(start + text.Length));
        Emit(text);
    }

    private void Spend(long units)
    {
        _spent += units;
        if (_spent > Budget || GC.GetAllocatedBytesForCurrentThread() > _mostAllocated) throw TooMuch();
    }

    private static TemplateException TooMuch() =>
        new("it asks for more time or memory than a chat template may, by a loop, a text, a list or a number that is far too large");
}
