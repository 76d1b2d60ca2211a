using System.Buffers;
using System.Globalization;
using System.Text;

namespace Beear.Text.Tokenization.Decoders;

/// <summary>Rewrites each token by itself.</summary>
/// <param name="rewrite">The token, and whether it is the stream's first, to its text.</param>
/// <param name="next">The step after this one.</param>
internal sealed class RewriteStep(Func<string, bool, string> rewrite, DecoderStep next) : WholeTokenStep(next)
{
    /// <inheritdoc/>
    protected override void WriteToken(string token, bool isFirst) => Next.Write(rewrite(token, isFirst), endsToken: true);
}

/// <summary>Tokens of the <see cref="ByteAlphabet"/> become one token of text; bytes that are not valid UTF-8 become U+FFFD.</summary>
internal sealed class ByteLevelStep(DecoderStep next) : WholeTokenStep(next)
{
    private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();
    private readonly ArrayBufferWriter<byte> bytes = new();

    /// <inheritdoc/>
    protected override void WriteToken(string token, bool isFirst)
    {
        bytes.ResetWrittenCount();
        ByteAlphabet.Read(token, bytes);
        Next.Write(Take(flush: false), endsToken: false);
    }

    /// <inheritdoc/>
    protected override void CompleteTokens()
    {
        bytes.ResetWrittenCount();
        Next.Write(Take(flush: true), endsToken: true);
    }

    private string Take(bool flush)
    {
        var characters = new char[utf8.GetCharCount(bytes.WrittenSpan, flush)];
        int count = utf8.GetChars(bytes.WrittenSpan, characters, flush);
        return new string(characters, 0, count);
    }
}

/// <summary>Runs of byte tokens (&lt;0x41&gt;) become text; a run that is not valid UTF-8 becomes one U+FFFD for each byte.</summary>
internal sealed class ByteFallbackStep(DecoderStep next) : WholeTokenStep(next)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly List<byte> run = [];

    /// <inheritdoc/>
    protected override void WriteToken(string token, bool isFirst)
    {
        if (ByteOf(token) is { } value)
        {
            run.Add(value);
            return;
        }
        CompleteTokens();
        Next.Write(token, endsToken: true);
    }

    /// <inheritdoc/>
    protected override void CompleteTokens()
    {
        if (run.Count == 0) return;
        byte[] bytes = [.. run];
        run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            Next.Write(Strict.GetString(bytes), endsToken: true);
            return;
        }
        foreach (byte _ in bytes) Next.Write("\uFFFD", endsToken: true);
    }

    private static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' &&
        byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;
}

/// <summary>All tokens become one.</summary>
internal sealed class FuseStep(DecoderStep next) : DecoderStep(next)
{
    /// <inheritdoc/>
    public override void Write(string part, bool endsToken) => Next.Write(part, endsToken: false);

    /// <inheritdoc/>
    public override void Complete()
    {
        Next.Write("", endsToken: true);
        Next.Complete();
    }
}

/// <summary>Takes up to so many of one character from each token's start and end.</summary>
internal sealed class StripStep(Rune character, int start, int stop, DecoderStep next) : DecoderStep(next)
{
    private readonly string stripped = character.ToString();
    private readonly StringBuilder held = new(); // characters that belong to the end if nothing follows
    private int taken;
    private bool isAtStart = true;

    /// <inheritdoc/>
    public override void Write(string part, bool endsToken)
    {
        int position = 0;
        while (isAtStart && taken < start && string.CompareOrdinal(part, position, stripped, 0, stripped.Length) == 0)
        {
            taken++;
            position += stripped.Length;
        }
        if (position < part.Length) isAtStart = false;
        held.Append(part, position, part.Length - position);
        string text = held.ToString();
        int end = text.Length;
        for (int i = 0; i < stop && text.AsSpan(0, end).EndsWith(stripped, StringComparison.Ordinal); i++) end -= stripped.Length;
        held.Clear();
        if (endsToken)
            (taken, isAtStart) = (0, true);
        else
            held.Append(text, end, text.Length - end);
        Next.Write(text[..end], endsToken);
    }

    /// <inheritdoc/>
    public override void Complete()
    {
        held.Clear();
        (taken, isAtStart) = (0, true);
        Next.Complete();
    }
}

/// <summary>The sign for the end of a word becomes a space, at the end of the text nothing.</summary>
internal sealed class EndOfWordStep(string suffix, DecoderStep next) : WholeTokenStep(next)
{
    private string? previous;

    /// <inheritdoc/>
    protected override void WriteToken(string token, bool isFirst)
    {
        Pass(" ");
        previous = token;
    }

    /// <inheritdoc/>
    protected override void CompleteTokens() => Pass("");

    private void Pass(string wordEnd)
    {
        if (previous is not null) Next.Write(suffix.Length == 0
            ? previous : previous.Replace(suffix, wordEnd, StringComparison.Ordinal), endsToken: true);
        previous = null;
    }
}

/// <summary>Speech recognition's tokens: repeated ones are one, padding is nothing, and a sign stands for the space.</summary>
internal sealed class CtcStep(string padding, string wordDelimiter, bool cleanUp, DecoderStep next) : WholeTokenStep(next)
{
    private string? previous;

    /// <inheritdoc/>
    protected override void WriteToken(string token, bool isFirst)
    {
        if (token == previous) return;
        previous = token;
        string text = CleanUp.Without(token, padding);
        if (cleanUp) text = CleanUp.Spaces(text).Replace(wordDelimiter, " ", StringComparison.Ordinal);
        if (text.Length > 0) Next.Write(text, endsToken: true);
    }

    /// <inheritdoc/>
    protected override void CompleteTokens() => previous = null;
}

/// <summary>What decoders do to a token's English.</summary>
internal static class CleanUp
{
    private static readonly (string Old, string New)[] Replacements =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"),
        (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <summary>Takes spaces before punctuation and the ends of contractions.</summary>
    public static string Spaces(string token) =>
        Replacements.Aggregate(token, (text, replacement) => text.Replace(replacement.Old, replacement.New, StringComparison.Ordinal));

    /// <summary>The token without a text.</summary>
    public static string Without(string token, string text) => text.Length == 0 ? token : token.Replace(text, "", StringComparison.Ordinal);

    /// <summary>WordPiece's joining: a continuing token loses its prefix, others get a space before them.</summary>
    public static string JoinWordPiece(string token, bool isFirst, string prefix, bool cleanUp)
    {
        if (!isFirst) token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return cleanUp ? Spaces(token) : token;
    }
}
