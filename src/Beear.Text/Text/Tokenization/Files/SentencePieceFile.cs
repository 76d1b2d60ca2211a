namespace Beear.Text.Tokenization.Files;

/// <summary>What SentencePiece calls a piece's type, with the numbers of its file format (which GGUF has too).</summary>
internal enum PieceType
{
    /// <summary>An ordinary piece.</summary>
    Normal = 1,

    /// <summary>Stands for what is unknown.</summary>
    Unknown = 2,

    /// <summary>A special token.</summary>
    Control = 3,

    /// <summary>Never split, not special.</summary>
    UserDefined = 4,

    /// <summary>Not in use.</summary>
    Unused = 5,

    /// <summary>A byte: &lt;0x41&gt;.</summary>
    Byte = 6,
}

/// <summary>A piece, its score (log probability, or minus the rank of its merge) and its type.</summary>
internal sealed record Piece(string Text, float Score, PieceType Type);

/// <summary>The content of a tokenizer.model: SentencePiece's ModelProto, as far as it changes ids.</summary>
internal sealed class SentencePieceFile
{
    private const int UnigramModel = 1, BytePairModel = 2;

    private int modelType = UnigramModel;
    private bool isSuffix;
    private bool escapesWhiteSpace = true;

    /// <summary>The pieces by id.</summary>
    public List<Piece> Pieces { get; } = [];

    /// <summary>Byte-pair encoding instead of the unigram model.</summary>
    public bool IsBytePair => modelType == BytePairModel;

    /// <summary>Whether unknown characters become byte pieces.</summary>
    public bool ByteFallback { get; private set; }

    /// <summary>The id of the piece before each text; negative if there is none.</summary>
    public int BeginId { get; private set; } = 1;

    /// <summary>The id of the piece behind each text; negative if there is none.</summary>
    public int EndId { get; private set; } = 2;

    /// <summary>The map of characters; may be empty.</summary>
    public byte[] CharacterMap { get; private set; } = [];

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>Whether spaces at the ends are dropped and runs of spaces made one.</summary>
    public bool RemoveExtraSpaces { get; private set; } = true;

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="BeearException">It is damaged, or asks for something that is not supported.</exception>
    public static SentencePieceFile Read(ReadOnlySpan<byte> content, string source)
    {
        var file = new SentencePieceFile();
        try
        {
            file.ReadModel(content);
        }
        catch (FormatException error)
        {
            throw new BeearException($"{source} is not a SentencePiece model, or is damaged: {error.Reason()}.", error);
        }
        if (file.Pieces.Count == 0) throw new BeearException($"{source} is not a SentencePiece model: it has no pieces.");
        if (file.modelType is not (UnigramModel or BytePairModel))
            throw new BeearException($"{source} is a SentencePiece model of the type {file.modelType}; only unigram (1) and BPE (2) "
                + "can be read.");
        if (file.isSuffix) throw new BeearException($"{source} has \"treat_whitespace_as_suffix\", which is not supported.");
        if (!file.escapesWhiteSpace) throw new BeearException($"{source} does not escape white space, which is not supported.");
        return file;
    }

    private void ReadModel(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1: Pieces.Add(ReadPiece(reader.Bytes())); break;
                case 2: ReadTrainerSpec(reader.Bytes()); break;
                case 3: ReadNormalizerSpec(reader.Bytes()); break;
            }
            if (Pieces.Count > Vocabulary.IdLimit) throw new FormatException("it has too many pieces");
        }
    }

    private static Piece ReadPiece(ReadOnlySpan<byte> message)
    {
        var piece = new Piece("", 0, PieceType.Normal);
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            piece = reader.Field switch
            {
                1 => piece with { Text = reader.Text() },
                2 => piece with { Score = reader.Float() },
                3 => piece with { Type = (PieceType)reader.Integer() },
                _ => piece,
            };
        }
        return Enum.IsDefined(piece.Type)
            ? piece : throw new FormatException($"the piece \"{piece.Text}\" has the unknown type {(int)piece.Type}");
    }

    private void ReadTrainerSpec(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 3: modelType = reader.Integer(); break;
                case 24: isSuffix = reader.Flag(); break;
                case 35: ByteFallback = reader.Flag(); break;
                case 41: BeginId = reader.Integer(); break;
                case 42: EndId = reader.Integer(); break;
            }
        }
    }

    private void ReadNormalizerSpec(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 2: CharacterMap = reader.Bytes().ToArray(); break;
                case 3: AddDummyPrefix = reader.Flag(); break;
                case 4: RemoveExtraSpaces = reader.Flag(); break;
                case 5: escapesWhiteSpace = reader.Flag(); break;
            }
        }
    }
}
