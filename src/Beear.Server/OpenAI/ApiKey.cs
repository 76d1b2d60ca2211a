using System.Security.Cryptography;
using System.Text;
using Beear.Runtime;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>The key that clients have to know.</summary>
internal sealed class ApiKey
{
    private const string Scheme = "Bearer ";
    private const long LongestFile = 4096;                               // bytes

    private readonly byte[] hash;

    private ApiKey(string key) => hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Reads a key.</summary>
    /// <param name="file">A file whose one line is the key.</param>
    /// <exception cref="BeearException">There is no such file, or no key in it.</exception>
    public static ApiKey Read(string file)
    {
        if (!File.Exists(file)) throw new BeearException($"--key-file: there is no file '{file}'; write the key into one.");
        string key;
        try
        {
            key = FileContent.ReadText(file, LongestFile).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"--key-file: '{file}' could not be read: {failure.Reason()}.", failure);
        }
        if (key.Length == 0 || key.Any(letter => letter is <= ' ' or > '~'))
            throw new BeearException($"--key-file: '{file}' must hold one line of letters, digits and signs of ASCII without blanks.");
        return new ApiKey(key);
    }

    /// <summary>Whether a request has the key; how long the answer takes says nothing about it.</summary>
    public bool IsIn(HttpRequest request)
    {
        string header = request.Headers.Authorization.ToString();
        string given = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), hash);
    }
}
