using System.Text.Json.Serialization;

namespace Beear.Checkpoints.Signing;

/// <summary>The JSON that is signed: an in-toto statement v1 with model-signing's predicate.</summary>
internal sealed record InTotoStatement(
    [property: JsonPropertyName("_type")] string? Type, IReadOnlyList<InTotoSubject?>? Subject, string? PredicateType,
    SignedPredicate? Predicate);

/// <summary>The model, and the digest over the digests of its files.</summary>
internal sealed record InTotoSubject(string? Name, RootDigest? Digest);

/// <summary>64 hexadecimal digits.</summary>
internal sealed record RootDigest(string? Sha256);

/// <summary>How the folder was read, and what it held.</summary>
internal sealed record SignedPredicate(SerializationMethod? Serialization, IReadOnlyList<SignedResource?>? Resources);

/// <summary>How a folder becomes a list of digests.</summary>
internal sealed record SerializationMethod(
    string? Method,
    [property: JsonPropertyName("hash_type")] string? HashType,
    [property: JsonPropertyName("allow_symlinks")] bool? AllowSymlinks,
    [property: JsonPropertyName("ignore_paths")] IReadOnlyList<string?>? IgnorePaths);

/// <summary>A file and its digest.</summary>
internal sealed record SignedResource(string? Algorithm, string? Digest, string? Name);
