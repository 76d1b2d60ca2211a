using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>A request that is answered with an error of OpenAI's form.</summary>
/// <param name="status">HTTP's status.</param>
/// <param name="message">What is wrong and what to do, a sentence or two.</param>
/// <param name="parameter">Which of the request's parameters it is; null if none.</param>
/// <param name="code">What programs know it by; null if there is no such word.</param>
internal sealed class ApiException(int status, string message, string? parameter = null, string? code = null) : Exception(message)
{
    /// <summary>HTTP's status.</summary>
    public int Status => status;

    /// <summary>Seconds after which to ask again; null for no such advice.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The body.</summary>
    public ErrorBody Body => new(new ErrorDetail(Message, status switch
    {
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    }, parameter, code));

    /// <summary>A value that may not stand there.</summary>
    public static ApiException Invalid(string parameter, string reason, string code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, $"Invalid '{parameter}': {reason}", parameter, code);

    /// <summary>Something that a local model cannot do.</summary>
    public static ApiException Unsupported(string parameter, string reason) =>
        new(StatusCodes.Status400BadRequest, $"Unsupported parameter: '{parameter}': {reason}", parameter, "unsupported_parameter");

    /// <summary>A parameter that OpenAI's API does not have either.</summary>
    public static ApiException Unknown(string parameter) =>
        new(StatusCodes.Status400BadRequest, $"Unknown parameter: '{parameter}'.", parameter, "unknown_parameter");

    /// <summary>Any failure as one of these.</summary>
    public static ApiException Of(Exception failure) => failure switch
    {
        ApiException own => own,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new ApiException(
            StatusCodes.Status413PayloadTooLarge, $"The request's body is larger than {Web.LocalServer.LargestBody} bytes.",
            code: "request_too_large"),
        BadHttpRequestException bad => new ApiException(bad.StatusCode, bad.Message),
        BeearException told => new ApiException(StatusCodes.Status500InternalServerError, told.Message),
        OperationCanceledException => new ApiException(StatusCodes.Status503ServiceUnavailable, "The server is about to end."),
        _ => new ApiException(StatusCodes.Status500InternalServerError,
            "The server failed at this request; its standard error says more."),
    };
}
