namespace Beear.Server.OpenAI;

/// <summary>The body of an error.</summary>
internal sealed record ErrorBody(ErrorDetail Error);

/// <summary>What went wrong.</summary>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code);
