using System.Text;

namespace Beear.Text.Tokenization.Decoders;

/// <summary>
/// One step of turning tokens into text, for one stream. Tokens arrive in parts, so that what joins all tokens into one need not wait
/// for the last; the parts of all tokens that the last step passes on are the text.
/// </summary>
/// <param name="next">The step after this one.</param>
internal abstract class DecoderStep(DecoderStep? next)
{
    /// <summary>The step after this one.</summary>
    protected DecoderStep Next => next ?? throw new InvalidOperationException("The last step passes nothing on.");

    /// <summary>Takes a part of a token.</summary>
    /// <param name="part">Text; may be empty.</param>
    /// <param name="endsToken">Whether the token ends with it.</param>
    public abstract void Write(string part, bool endsToken);

    /// <summary>Ends the stream: passes on what was held back, and is as new.</summary>
    public abstract void Complete();
}

/// <summary>The end of the chain: collects the text.</summary>
internal sealed class TextCollector() : DecoderStep(null)
{
    private readonly StringBuilder text = new();

    /// <inheritdoc/>
    public override void Write(string part, bool endsToken) => text.Append(part);

    /// <inheritdoc/>
    public override void Complete()
    {
    }

    /// <summary>The text since the last call.</summary>
    public string Take()
    {
        string taken = text.ToString();
        text.Clear();
        return taken;
    }
}

/// <summary>A step that needs to see whole tokens.</summary>
internal abstract class WholeTokenStep(DecoderStep next) : DecoderStep(next)
{
    private readonly StringBuilder beginning = new();
    private bool isFirst = true;

    /// <inheritdoc/>
    public sealed override void Write(string part, bool endsToken)
    {
        if (!endsToken)
        {
            beginning.Append(part);
            return;
        }
        if (beginning.Length > 0) part = beginning.Append(part).ToString();
        beginning.Clear();
        WriteToken(part, isFirst);
        isFirst = false;
    }

    /// <inheritdoc/>
    public sealed override void Complete()
    {
        isFirst = true;
        beginning.Clear();
        CompleteTokens();
        Next.Complete();
    }

    /// <summary>Takes a token.</summary>
    protected abstract void WriteToken(string token, bool isFirst);

    /// <summary>Passes on what was held back.</summary>
    protected virtual void CompleteTokens()
    {
    }
}
