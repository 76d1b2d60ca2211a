using Beear.Text.Tokenization.Decoders;
using Beear.Text.Tokenization.Normalizers;
using Beear.Text.Tokenization.PreTokenizers;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads decoders: each becomes a function from the step after it to its own first step, for one stream.</summary>
internal static class DecoderReader
{
    /// <summary>No decoder: tokens stand for themselves, with spaces between them.</summary>
    public static Func<DecoderStep, DecoderStep> SpaceSeparated { get; } = Rewrite((token, isFirst) => isFirst ? token : " " + token);

    /// <summary>Reads one; sequences with all that is in them.</summary>
    /// <exception cref="BeearException">It is damaged, or of a kind that is not supported.</exception>
    public static Func<DecoderStep, DecoderStep> Read(JsonPart part, PatternReader patterns) =>
        part.Finish<Func<DecoderStep, DecoderStep>>(part.Kind switch
        {
            "Sequence" => Chain([.. part.Parts("decoders").Select(inner => Read(inner, patterns))]),
            "ByteLevel" => ReadByteLevel(part),
            "ByteFallback" => next => new ByteFallbackStep(next),
            "Fuse" => next => new FuseStep(next),
            "Replace" => ReadReplace(part, patterns),
            "Strip" => ReadStrip(part),
            "Metaspace" => ReadMetaspace(part),
            "WordPiece" => ReadWordPiece(part),
            "BPEDecoder" => ReadEndOfWord(part),
            "CTC" => ReadCtc(part),
            var kind => throw part.Unsupported(kind),
        });

    private static Func<DecoderStep, DecoderStep> Chain(Func<DecoderStep, DecoderStep>[] steps) =>
        last => steps.Reverse().Aggregate(last, (next, make) => make(next));

    private static Func<DecoderStep, DecoderStep> Rewrite(Func<string, bool, string> rewrite) => next => new RewriteStep(rewrite, next);

    private static Func<DecoderStep, DecoderStep> ReadByteLevel(JsonPart part)
    {
        part.Ignore("add_prefix_space", "trim_offsets", "use_regex"); // of encoding only
        return next => new ByteLevelStep(next);
    }

    private static Func<DecoderStep, DecoderStep> ReadReplace(JsonPart part, PatternReader patterns)
    {
        var replacing = new ReplaceNormalizer(patterns.Read(part), part.Text("content"));
        // The same budget for every step, so that steps cannot double a token without end.
        return Rewrite((token, _) => replacing.Normalize(token, new EncodingBudget(0)));
    }

    private static Func<DecoderStep, DecoderStep> ReadStrip(JsonPart part)
    {
        var character = part.Character("content").EnumerateRunes().First();
        int start = part.Integer("start", 0, int.MaxValue), stop = part.Integer("stop", 0, int.MaxValue);
        return next => new StripStep(character, start, stop, next);
    }

    private static Func<DecoderStep, DecoderStep> ReadMetaspace(JsonPart part)
    {
        part.Ignore("split");
        string sign = part.Character("replacement");
        bool dropsFirst = PreTokenizerReader.ReadPrependScheme(part) != PrependScheme.Never;
        return Rewrite((token, isFirst) => token.Replace(sign, isFirst && dropsFirst ? "" : " ", StringComparison.Ordinal));
    }

    private static Func<DecoderStep, DecoderStep> ReadWordPiece(JsonPart part)
    {
        string prefix = part.OptionalText("prefix") ?? "##";
        bool cleanUp = part.Flag("cleanup", true);
        return Rewrite((token, isFirst) => CleanUp.JoinWordPiece(token, isFirst, prefix, cleanUp));
    }

    private static Func<DecoderStep, DecoderStep> ReadEndOfWord(JsonPart part)
    {
        string suffix = part.OptionalText("suffix") ?? "</w>";
        return next => new EndOfWordStep(suffix, next);
    }

    private static Func<DecoderStep, DecoderStep> ReadCtc(JsonPart part)
    {
        string padding = part.OptionalText("pad_token") ?? "<pad>", delimiter = part.OptionalText("word_delimiter_token") ?? "|";
        if (delimiter.Length == 0) throw new BeearException("The decoder's \"word_delimiter_token\" is empty.");
        bool cleanUp = part.Flag("cleanup", true);
        return next => new CtcStep(padding, delimiter, cleanUp, next);
    }
}
