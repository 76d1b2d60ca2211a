using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Adapters;

/// <summary>
/// What an adapter does to each tensor of its base, checked as a whole: every tensor of the adapter is used, every module that it is
/// for is in the base, and all shapes fit.
/// </summary>
internal sealed class AdapterPlan
{
    /// <summary>The modules that a tied model has one weight for.</summary>
    public const string Embedding = "model.embed_tokens", Head = "lm_head";

    private const string TiedKey = "tie_word_embeddings", VocabularyKey = "vocab_size", Weight = ".weight", Bias = ".bias";

    private readonly AdapterConfig config;
    private readonly AdapterTensors tensors;
    private readonly ITensorSource weights;
    private readonly ITensorSource adapter;
    private readonly Dictionary<string, TensorMerge> merges = new(StringComparer.Ordinal);
    private readonly HashSet<string> matrices;
    private readonly bool isTied;

    /// <summary>Plans the merging.</summary>
    /// <param name="config">The adapter's configuration.</param>
    /// <param name="tensors">Its tensors by module and role.</param>
    /// <param name="adapter">The same as they are read.</param>
    /// <param name="weights">The base's tensors.</param>
    /// <param name="model">The base's config.json; what the adapter changes in it is written there.</param>
    /// <exception cref="BeearException">Adapter and base do not fit, or the adapter's configuration and tensors do not.</exception>
    public AdapterPlan(AdapterConfig config, AdapterTensors tensors, ITensorSource adapter, ITensorSource weights, JsonObject model)
    {
        (this.config, this.tensors, this.adapter, this.weights) = (config, tensors, adapter, weights);
        bool saysTied = model[TiedKey] is JsonValue tied && tied.TryGetValue<bool>(out bool flag) && flag;
        isTied = (saysTied || !weights.Tensors.ContainsKey(Head + Weight)) && weights.Tensors.ContainsKey(Embedding + Weight);
        matrices = [.. weights.Tensors.Where(tensor => tensor.Value.Shape.Count == 2
            && tensor.Key.EndsWith(Weight, StringComparison.Ordinal))
            .Select(tensor => tensor.Key[..^Weight.Length])];
        if (isTied) matrices.Add(Head);
        foreach (var (module, role) in tensors.Places) RequirePlace(module, role);
        RequireTensors();
        foreach (var module in tensors.Places.Select(place => place.Module).Distinct(StringComparer.Ordinal)) Plan(module);
        bool staysTied = isTied && PlanTied();
        if (!staysTied && (merges.ContainsKey(Embedding + Weight) || merges.ContainsKey(Head + Weight))) model[TiedKey] = false;
        AdaptVocabulary(model);
    }

    /// <summary>The tensors that are not as in the base, by name.</summary>
    public IReadOnlyDictionary<string, TensorMerge> Merges => merges;

    /// <summary>A tensor of the base that the merged model has no more.</summary>
    public string? Dropped { get; private set; }

    /// <summary>Whether a tied head goes with what the adapter does to the embeddings.</summary>
    private bool HeadFollows(string module) =>
        isTied && module == Head && config.TiesWeights && tensors.Places.Any(place => place.Module == Embedding);

    private void RequirePlace(string module, AdapterRole role)
    {
        string name = tensors.Find(module, role)!.Name;
        bool isKnown = role switch
        {
            AdapterRole.Bias => weights.Tensors.ContainsKey(module + Bias),
            AdapterRole.Weight => weights.Tensors.ContainsKey(module + Weight) || (isTied && module == Head),
            _ => matrices.Contains(module),
        };
        if (!isKnown)
        {
            throw new BeearException($"'{tensors.Path}': the tensor '{name}' is for '{module}', which the base has not; " +
                "give the adapter its own base by --adapter-base.");
        }
        bool isWanted = role switch
        {
            AdapterRole.Bias or AdapterRole.Weight => true,
            AdapterRole.Rows => config.Tokens.Any(rows => module.EndsWith(rows.Module, StringComparison.Ordinal)),
            AdapterRole.Magnitude when !config.UsesDora => false,
            _ => config.Targets is null || config.Adapts(module) || HeadFollows(module),
        };
        if (!isWanted)
        {
            throw new BeearException(
                $"'{tensors.Path}': the tensor '{name}' is of no use by {AdapterConfig.FileName}; take both files from one training run.");
        }
    }

    /// <summary>Everything that the configuration names has its tensors.</summary>
    private void RequireTensors()
    {
        foreach (var module in matrices.Where(module => config.Adapts(module) && !HeadFollows(module)))
        {
            RequireTensor(module, module == Embedding ? AdapterRole.EmbeddingDown : AdapterRole.Down);
        }
        foreach (var name in weights.Tensors.Keys.Union(isTied ? [Head + Weight] : [], StringComparer.Ordinal))
        {
            string module = name[..Math.Max(name.LastIndexOf('.'), 0)];
            var role = name.EndsWith(Bias, StringComparison.Ordinal) ? AdapterRole.Bias : AdapterRole.Weight;
            if (config.Saves(module) && !HeadFollows(module)) RequireTensor(module, role);
        }
        var rows = tensors.Places.Where(place => place.Role == AdapterRole.Rows).Select(place => place.Module).ToList();
        foreach (var (module, _) in config.Tokens)
        {
            // Of a tied model the rows are written once.
            if (!rows.Exists(own => isTied || own.EndsWith(module, StringComparison.Ordinal)))
                throw new BeearException($"'{tensors.Path}' lacks the rows of '{module}' that {AdapterConfig.FileName} names; "
                    + "fetch it again.");
        }
    }

    private TensorInfo RequireTensor(string module, AdapterRole role) => tensors.Find(module, role) ?? throw new BeearException(
        $"'{tensors.Path}' lacks what {AdapterConfig.FileName} names for '{module}' ({role switch
        {
            AdapterRole.Down => "lora_A",
            AdapterRole.Up => "lora_B",
            AdapterRole.EmbeddingDown => "lora_embedding_A",
            AdapterRole.EmbeddingUp => "lora_embedding_B",
            AdapterRole.Magnitude => "lora_magnitude_vector",
            _ => "its own weights",
        }}); take both files from one training run.");

    private void Plan(string module)
    {
        if (!isTied || module is not (Embedding or Head)) Add(module + Weight, Merge(module, tensors.Find(module, AdapterRole.Weight)));
        var (saved, shift) = (tensors.Find(module, AdapterRole.Bias), tensors.Find(module, AdapterRole.UpBias));
        if (saved is null && shift is null) return;
        if (!weights.Tensors.TryGetValue(module + Bias, out var bias))
        {
            throw new BeearException(
                $"'{config.Source}': lora_bias gives '{module}' a bias, and the base has none there, so the adapter cannot be "
                    + "merged into it.");
        }
        foreach (var one in new[] { saved, shift }) RequireShape(one, bias.Shape);
        var scaled = shift is null ? null : new ScaledBias(shift.Name, config.Scale(module));
        Add(module + Bias, new TensorMerge(module + Bias, saved?.Name, Shift: scaled));
    }

    private void Add(string name, TensorMerge merge)
    {
        if (!merge.IsNothing) merges.Add(name, merge);
    }

    /// <summary>One weight, or two that the adapter has made of it.</summary>
    /// <returns>Whether there is still one.</returns>
    private bool PlanTied()
    {
        // What is saved of a module that is trained whole is that module's alone, and anything else is the one weight of both.
        var shared = new[] { Embedding, Head }.Where(module => !config.Saves(module)).Select(Saved)
            .FirstOrDefault(saved => saved is not null);
        TensorMerge Of(string module) => Merge(module, config.Saves(module) ? Saved(module) : shared);
        TensorInfo? Saved(string module) => tensors.Find(module, AdapterRole.Weight);

        var embedding = Of(Embedding);
        var head = HeadFollows(Head) ? embedding : Of(Head);
        if (tensors.Find(Head, AdapterRole.Rows) is null) head = head with { Rows = embedding.Rows };
        Add(Embedding + Weight, embedding);
        if (embedding == head || AreEqual(embedding, head))
        {
            if (!embedding.IsNothing && weights.Tensors.ContainsKey(Head + Weight)) Dropped = Head + Weight;
            return true;
        }
        merges.Add(Head + Weight, head);
        return false;
    }

    private bool AreEqual(TensorMerge one, TensorMerge other)
    {
        if (!one.IsPlain || !other.IsPlain || one.Saved is not { } first || other.Saved is not { } second) return false;
        if (!adapter.Tensors[first].Shape.SequenceEqual(adapter.Tensors[second].Shape)) return false;
        using var scope = TorchSharp.torch.NewDisposeScope();
        return adapter.Read(first).eq(adapter.Read(second)).all().item<bool>();
    }

    private TensorMerge Merge(string module, TensorInfo? saved)
    {
        string name = isTied && module == Head ? Embedding + Weight : module + Weight;
        var stored = weights.Tensors[name];
        bool hasVocabulary = module is Embedding or Head;
        if (saved is not null) RequireShape(saved, hasVocabulary ? [saved.Shape[0], .. stored.Shape.Skip(1)] : stored.Shape);
        var shape = (saved ?? stored).Shape;
        return new TensorMerge(name, saved?.Name, Product(module, shape), Rows: Rows(module, shape));
    }

    private LowRankProduct? Product(string module, IReadOnlyList<long> shape)
    {
        bool isEmbedding = module == Embedding;
        var (downRole, upRole) = isEmbedding ? (AdapterRole.EmbeddingDown, AdapterRole.EmbeddingUp) : (AdapterRole.Down, AdapterRole.Up);
        AdapterRole[] roles = [downRole, upRole, AdapterRole.UpBias, AdapterRole.Magnitude];
        if (roles.All(role => tensors.Find(module, role) is null)) return null;
        var (down, up) = (RequireTensor(module, downRole), RequireTensor(module, upRole));
        var magnitude = config.UsesDora ? RequireTensor(module, AdapterRole.Magnitude) : null;
        long rank = config.Rank(module), from = shape[isEmbedding ? 0 : 1], to = shape[isEmbedding ? 1 : 0];
        RequireShape(down, [rank, from]);
        RequireShape(up, [to, rank]);
        RequireShape(magnitude, [to]);
        return new LowRankProduct(down.Name, up.Name, config.Scale(module), isEmbedding, magnitude?.Name);
    }

    private TokenRows? Rows(string module, IReadOnlyList<long> shape)
    {
        if (tensors.Find(module, AdapterRole.Rows) is not { } rows) return null;
        var ids = config.Tokens.First(tokens => module.EndsWith(tokens.Module, StringComparison.Ordinal)).Ids;
        RequireShape(rows, [ids.Count, shape[1]]);
        if (ids.Any(id => id >= shape[0]))
            throw new BeearException($"'{config.Source}': trainable_token_indices holds {ids.Max()}, and the base has only {shape[0]} "
                + "tokens.");
        return new TokenRows(rows.Name, ids);
    }

    /// <summary>Embeddings that were saved with more rows bring their vocabulary with them.</summary>
    private void AdaptVocabulary(JsonObject model)
    {
        if (!merges.TryGetValue(Embedding + Weight, out var merge) || merge.Saved is not { } saved) return;
        long tokens = adapter.Tensors[saved].Shape[0];
        if (tokens != weights.Tensors[Embedding + Weight].Shape[0]) model[VocabularyKey] = tokens;
    }

    private void RequireShape(TensorInfo? tensor, IReadOnlyList<long> shape)
    {
        if (tensor is null || tensor.Shape.SequenceEqual(shape)) return;
        throw new BeearException($"'{tensors.Path}': the tensor '{tensor.Name}' has the shape {tensor.ShapeText}, " +
            $"but base and {AdapterConfig.FileName} ask for ({string.Join(", ", shape)}).");
    }
}
