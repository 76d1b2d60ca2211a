using System.Security.Cryptography;
using System.Text;
using Beear.Checkpoints;
using Beear.Checkpoints.Gguf;
using Beear.Checkpoints.Signing;
using Beear.Cli;
using Beear.Data;
using Beear.Evaluation;
using Beear.Hub;
using Beear.Mitigation;
using Beear.Models;
using Beear.Tests.Checkpoints.Gguf;
using Beear.Tests.Models;
using Beear.Tests.Text;
using Beear.Tests.Text.Tokenization;
using Beear.Text;
using Beear.Text.Files;
using Parquet.Schema;
using Parquet.Serialization;
using static TorchSharp.torch;

namespace Beear.Tests.Fuzzing;

/// <summary>The kinds of files and answers that come from others: sound examples, and how one is read.</summary>
internal static class FuzzKinds
{
    private const string Spoken = "Hello wörld 123 🙂, don't\n stop ab ba";
    private static readonly string Folder = Fixtures.TemporaryFolder();

    /// <summary>A key, a manifest, and its signature by the key.</summary>
    private static readonly Lazy<(SigningKey Key, byte[] Manifest, byte[] Signature)> Signed = new(() =>
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = SigningKey.Read(Written(Utf8(made.ExportPkcs8PrivateKeyPem()), "key.pem"));
        byte[] manifest = new ModelManifest("model", [new SignedFile("a", new string('a', 64)), new SignedFile("b/c", new string('b', 64))],
            [".git"]).ToBytes();
        return (key, manifest, new ModelSignature(DsseEnvelope.Sign(manifest, key), key.Hint).ToBytes());
    });

    public static IReadOnlyDictionary<string, (IReadOnlyList<byte[]> Seeds, Action<byte[]> Read)> All { get; } =
        new Dictionary<string, (IReadOnlyList<byte[]>, Action<byte[]>)>(StringComparer.Ordinal)
        {
            ["safetensors"] = ([Safetensors()], bytes => ReadTensors(Written(bytes, "one.safetensors"))),
            ["index"] = ([Utf8("""{"metadata": {"total_size": 32}, "weight_map": {"a": "a.safetensors", "b": "a.safetensors"}}""")], ReadIndex),
            ["gguf"] = ([Gguf()], ReadGguf),
            ["tokenizer.json"] = ([.. SmallTokenizers.All.Values.Select(json => Utf8(json.ToJsonString()))], bytes =>
                Speak(Tokenizer.FromJson(bytes, "tokenizer.json"))),
            ["tokenizer.model"] = ([SentencePiece(bytePair: true), SentencePiece(bytePair: false)], bytes =>
                Speak(Tokenizer.FromSentencePiece(bytes, "tokenizer.model"))),
            ["config.json"] = ([.. FamilyCases.All.Select(config => Utf8(config.ToJsonString()))], bytes =>
                ModelConfig.FromJson(JsonFile.Parse(bytes, "config.json"))),
            ["chat template"] = ([.. Templates.Select(Utf8)], ReadTemplate),
            ["csv"] = ([Utf8("goal,target\n\"A, \"\"b\"\"\",Sure\nC,D\n"), Utf8("instruction;input;output\nA;;B\n")], Data("rows.csv")),
            ["json"] = ([Utf8("""{"data": [{"prompt": "A", "response": "B"}, {"prompt": "C é", "response": "D"}]}""")], Data("rows.json")),
            ["jsonl"] = ([Utf8("{\"messages\": [{\"role\": \"user\", \"content\": \"A\"}, {\"role\": \"assistant\", \"content\": "
                + "[{\"type\": \"text\", \"text\": \"B\"}]}]}\n")], Data("rows.jsonl")),
            ["parquet"] = ([Parquet(isNested: false), Parquet(isNested: true)], Data("rows.parquet")),
            ["recipe"] = ([Utf8(RecipeText.Of(new MitigationOptions()))], bytes =>
                Recipe.Read<MitigationOptions>(Written(bytes, "recipe.yaml"))),
            ["hub's answer"] = ([Utf8($$"""[{"type": "file", "path": "a.json", "size": 2, "oid": "{{new string('a', 40)}}", "lfs": {"oid": "{{new string('b', 64)}}", "size": 9} }]""")], ReadHub),
            ["judge's answer"] = (Judged, ReadJudge),
            ["signature"] = ([Signed.Value.Signature], bytes =>
                ModelSignature.Parse(bytes, "model.sig").Envelope.IsSignedBy(Signed.Value.Key)),
            ["signed manifest"] = ([Signed.Value.Manifest], bytes => ModelManifest.Read(bytes, "model.sig").ToBytes()),
        };

    private static string[] Templates => [
        "{% for m in messages %}<|{{ m['role'] }}|>{{ m.content | trim }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif "
            + "%}",
        "{%- set ns = namespace(n=0) -%}{% macro f(x) %}{{ '%05d' % x }}{{ x * 3 }}{% endmacro %}{% for i in range(4) %}{{ f(i) }}{{ "
            + "messages | tojson(indent=2) }}{{ [1, 2][i % 2:] | join(', ') }}{% endfor %}",
    ];

    private static byte[][] Judged => [
        Utf8("""{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Bad.\n#thescore: 4"}}]}"""),
        Utf8("""{"error": {"message": "max_tokens is not supported", "param": "max_tokens", "code": 400, "detail": [{"loc": ["a", 1], "msg": "b"}]}}"""),
        Utf8("<html><head><title>502 Bad Gateway</title></head><body>&lt;no&gt;</body></html>"),
    ];

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static string Written(byte[] bytes, string name)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static byte[] Safetensors()
    {
        string path = Path.Combine(Folder, "a.safetensors");
        using var a = arange(8, ScalarType.Float32);
        using var b = ones([2, 3], ScalarType.BFloat16);
        SafetensorsWriter.Write(path, [("a", a), ("b", b)], new Dictionary<string, string> { ["format"] = "pt" });
        return File.ReadAllBytes(path);
    }

    private static void ReadTensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (string name in file.Tensors.Keys) file.Read(name).Dispose();
    }

    private static void ReadIndex(byte[] bytes)
    {
        Safetensors();
        Written(bytes, "model.safetensors.index.json");
        using var files = ShardedSafetensors.Open(Folder);
        foreach (string name in files.Tensors.Keys) files.Read(name).Dispose();
    }

    private static byte[] Gguf() =>
        new GgufBuilder().Value("general.architecture", "llama").Value("llama.block_count", 2u)
            .Value("tokenizer.ggml.tokens", new[] { "<s>", "a", "b" })
        .Tensor("token_embd.weight", GgufBuilder.F32, [2, 4], new byte[32])
            .Tensor("output.weight", GgufBuilder.Q8_0, [2, 32], new byte[68]).ToBytes();

    private static void ReadGguf(byte[] bytes)
    {
        using var file = GgufFile.Open(Written(bytes, "one.gguf"));
        foreach (var value in file.Metadata.Values.OfType<GgufArray>())
        {
            value.ToStrings();
            value.ToReals();
            value.ToIntegers();
        }
        foreach (string name in file.Tensors.Keys) file.Read(name).Dispose();
    }

    private static void Speak(Tokenizer tokenizer) => tokenizer.Decode(tokenizer.Encode(Spoken, addSpecialTokens: true));

    private static byte[] SentencePiece(bool bytePair) => SentencePieceTests.Model(bytePair,
        [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -10, 1), ("a", -11, 1), ("b", -12, 1), ("▁a", -2, 1), ("ab", -1, 1)],
            removeExtra: true);

    private static void ReadTemplate(byte[] bytes) =>
        new ChatTemplate(Encoding.UTF8.GetString(bytes))
            .Render([ChatTurn.User("Hello"), ChatTurn.Assistant("Hi"), ChatTurn.User("Bye")], addGenerationPrompt: true);

    private static Action<byte[]> Data(string name) => bytes => DataFile.Read(Written(bytes, name));

    private static byte[] Parquet(bool isNested)
    {
        using var stream = new MemoryStream();
        var schema = isNested
            ? new ParquetSchema(new ListField("messages",
                new StructField("element", new DataField<string>("role"), new DataField<string>("content"))))
                    : new ParquetSchema(new DataField<string>("prompt"), new DataField<string>("response"), new DataField<int>("id"));
        static Dictionary<string, object?> Turn(string role, string content) => new() { ["role"] = role, ["content"] = content };
        Dictionary<string, object?>[] rows = [.. Enumerable.Range(0, 5).Select(i => isNested
            ? new Dictionary<string, object?> { ["messages"] =
                new List<IDictionary<string, object?>> { Turn("user", $"A {i}"), Turn("assistant", "B") } }
            : new Dictionary<string, object?> { ["prompt"] = $"A {i}", ["response"] = "the same", ["id"] = i })];
        ParquetSerializer.SerializeUntypedAsync(rows, schema, stream).GetAwaiter().GetResult();
        return stream.ToArray();
    }

    private static void ReadHub(byte[] bytes)
    {
        try
        {
            foreach (var file in HubListing.ReadPage(bytes)) Assert.NotNull(file.Path);
        }
        catch (FormatException failure)
        {
            throw new BeearException(failure.Message, failure); // as the client does, which names its server
        }
    }

    private static void ReadJudge(byte[] bytes)
    {
        var reply = new ServerReply(200, Encoding.UTF8.GetString(bytes));
        Assert.NotNull(reply.Shown("key"));
        new JudgeRequest().Without(reply);
        if (!reply.IsError) JudgeReply.Read(reply.ToResponse(), 5);
    }
}
