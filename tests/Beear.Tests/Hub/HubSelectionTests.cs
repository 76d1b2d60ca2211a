using Beear.Hub;

namespace Beear.Tests.Hub;

/// <summary>Of a repository that comes what will be loaded, and no more.</summary>
public class HubSelectionTests
{
    [Fact]
    public void A_repository_with_everything_gives_one_model()
    {
        Chosen("README.md config.json generation_config.json model.safetensors special_tokens_map.json tokenizer.json "
                + "tokenizer_config.json",
            "config.json generation_config.json model.safetensors special_tokens_map.json tokenizer.json "
                + "tokenizer_config.json vocab.json merges.txt README.md " +
            "pytorch_model.bin pytorch_model.bin.index.json optimizer.pt scheduler.pt trainer_state.json training_args.bin "
                + "all_results.json train_results.json " +
            "original/consolidated.00.pth original/params.json original/tokenizer.model "
                + "onnx/model.onnx onnx/config.json model.fp16.safetensors " +
            "tf_model.h5 flax_model.msgpack m-Q8_0.gguf m-Q4_K_M.gguf checkpoint-5/model.safetensors consolidated.safetensors");
    }

    [Fact]
    public void One_file_goes_before_its_shards_and_shards_need_their_index()
    {
        Chosen("config.json model.safetensors",
            "config.json model.safetensors model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors");
        Chosen("config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json",
            "config.json model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
                + "model.fp16-00001-of-00001.safetensors");
        Chosen("config.json model-00001-of-00001.safetensors model.safetensors.index.json",
            "config.json model.safetensors.index.json model-00001-of-00001.safetensors");
        Chosen("config.json a.safetensors b.safetensors model.safetensors.index.json",
            "config.json model.safetensors.index.json a.safetensors b.safetensors");
    }

    [Fact]
    public void Vocabulary_and_merges_come_where_there_is_no_tokenizer_json() =>
        Chosen("config.json merges.txt model.safetensors vocab.json", "config.json model.safetensors vocab.json merges.txt notes.txt");

    [Fact]
    public void An_adapter_alone_comes_with_its_config() =>
        Chosen("README.md adapter_config.json adapter_model.safetensors",
            "adapter_config.json adapter_model.safetensors adapter_model.bin README.md");

    [Fact]
    public void A_folder_is_named_like_a_file()
    {
        const string All = "README.md small/config.json small/model.safetensors small/tokenizer.json small/optimizer.pt "
            + "small/additional_chat_templates/rag.jinja " +
            "small/deep/model.safetensors large/config.json large/model.safetensors q/m-Q8_0.gguf";
        var selection = Chosen("README.md small/additional_chat_templates/rag.jinja small/config.json small/model.safetensors "
            + "small/tokenizer.json", All, "hub:tiny/model/small");
        Assert.Equal("small", selection.Entry);
        Assert.Equal("small", Chosen("README.md small/additional_chat_templates/rag.jinja "
            + "small/config.json small/model.safetensors small/tokenizer.json", All, "hub:tiny/model/small/").Entry);
        Assert.Equal("q/m-Q8_0.gguf", Chosen("README.md q/m-Q8_0.gguf", All, "hub:tiny/model/q").Entry);
        Assert.Equal("small/deep", Chosen("README.md small/deep/model.safetensors", All, "hub:tiny/model/small/deep").Entry);
        Assert.Contains("has no file 'huge'", Refused(All, "hub:tiny/model/huge"), StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_lie_in_folders_only_are_named_with_how_to_ask_for_them()
    {
        Assert.Equal("'tiny/model' has its weights in the folder 'small'; name it: hub:tiny/model/small.",
            Refused("README.md small/config.json small/model.safetensors"));
        Assert.Equal("'tiny/model@v2' has its weights in the folders 'a/b', 'small'; name one: hub:tiny/model/a/b@v2.",
            Refused("small/config.json small/model.safetensors a/b/model.safetensors.index.json a/b/x.safetensors", "tiny/model@v2"));
    }

    private static HubSelection Chosen(string expected, string all, string reference = "tiny/model")
    {
        var selection = HubSelection.Of(Files(all), HubReference.Parse(reference), []);
        Assert.Equal(expected.Split(' ').Order(StringComparer.Ordinal),
            selection.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        return selection;
    }

    private static string Refused(string all, string reference = "tiny/model") =>
        Assert.Throws<BeearException>(() => HubSelection.Of(Files(all), HubReference.Parse(reference), [])).Message;

    private static List<HubFile> Files(string paths) =>
        [.. paths.Split(' ').Select(path => new HubFile(path, 1, new string('0', 40), null))];
}
