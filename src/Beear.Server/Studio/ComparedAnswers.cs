using System.Text.Json;
using System.Threading.Channels;
using Beear.Attacks;
using Beear.Data;
using Beear.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.AI;

namespace Beear.Server.Studio;

/// <summary>One request, without and with a trigger, to two models.</summary>
/// <param name="Request">The request.</param>
/// <param name="Trigger">The trigger; null for none.</param>
/// <param name="Before">The first model.</param>
/// <param name="After">The second.</param>
/// <param name="Tokens">The longest answer.</param>
internal sealed record ComparedRequest(string Request, Trigger? Trigger, StudioModel Before, StudioModel After, int Tokens)
{
    /// <summary>The longest text of a request or trigger, in characters.</summary>
    public const int Longest = 20_000;

    /// <summary>The longest answer that may be asked for, in tokens.</summary>
    public const int MostTokens = 2048;

    /// <summary>Reads what the page sends.</summary>
    /// <exception cref="BeearException">A field is wrong.</exception>
    /// <exception cref="NothingThere">There is no such model.</exception>
    public static ComparedRequest Read(IFormCollection form, ModelPool pool)
    {
        string request = form["request"].ToString(), trigger = form["trigger"].ToString(), second = form["second"].ToString();
        if (string.IsNullOrWhiteSpace(request)) throw new BeearException("The request is empty; write what the models are to be asked.");
        if (request.Length + trigger.Length + second.Length > Longest)
            throw new BeearException($"Request and trigger have more than {Longest} characters; shorten them.");
        if (!int.TryParse(form["tokens"], out int tokens) || tokens is < 1 or > MostTokens)
            throw new BeearException($"The longest answer is a number of tokens from 1 to {MostTokens}.");
        string placement = form["placement"].ToString();
        return new ComparedRequest(request, string.IsNullOrWhiteSpace(trigger) ? null
            : Attacks.Trigger.Parse(trigger, placement.Length == 0 ? null : placement, string.IsNullOrWhiteSpace(second) ? null : second),
            pool.Find(form["before"]), pool.Find(form["after"]), tokens);
    }
}

/// <summary>
/// The answers as they come, a line of JSON for each piece. Each text is the model's own with everything visible in it, and is to be shown
/// as text.
/// </summary>
internal sealed class ComparedAnswers(ComparedRequest request, ModelPool pool)
{
    /// <summary>Characters after which an answer is cut.</summary>
    public const int Longest = 20_000;

    private readonly Channel<object> lines = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Writes the answers until they end, or the reader leaves.</summary>
    public async Task Write(HttpContext context)
    {
        context.Response.ContentType = "application/x-ndjson; charset=utf-8";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var work = Task.Run(() => Answer(stop.Token), CancellationToken.None);
        try
        {
            await foreach (object line in lines.Reader.ReadAllAsync(CancellationToken.None))
            {
                byte[] utf8 = [.. JsonSerializer.SerializeToUtf8Bytes(line, StrictJson.Line), (byte)'\n'];
                await context.Response.Body.WriteAsync(utf8, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            // The reader has left.
        }
        finally
        {
            await stop.CancelAsync();
            await work;                                                  // the models are free for the next one only then
        }
    }

    private async Task Answer(CancellationToken cancellation)
    {
        try
        {
            StudioModel[] models = request.Before.Path == request.After.Path ? [request.Before] : [request.Before, request.After];
            string[] needed = [.. models.Select(model => model.Path)];
            List<LoadedModel> loaded = [];
            foreach (var model in models)
            {
                if (!pool.Holds(model)) Send(new { Note = $"Loading {VisibleText.Of(model.Name)} …" });
                loaded.Add(pool.Load(model, needed, cancellation));
            }
            Send(new { Note = "" });
            await Task.WhenAll(loaded.Index().Select(one => AnswerOf(one.Item, 2 * one.Index, loaded.Count == 1, cancellation)));
            Send(new { Done = true });
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for more.
        }
        catch (Exception failure) when (failure is BeearException or IOException or UnauthorizedAccessException)
        {
            Send(new { Error = VisibleText.Of(failure.Message) });
        }
        catch (Exception failure)
        {
            Send(new { Error = $"This is a defect of beear; please report it: {VisibleText.Excerpt(failure.ToString(), 500)}" });
        }
        finally
        {
            lines.Writer.Complete();
        }
    }

    /// <summary>A model's two answers, one after the other: without and with the trigger.</summary>
    private async Task AnswerOf(LoadedModel model, int column, bool isBoth, CancellationToken cancellation)
    {
        foreach (bool triggered in (bool[])[false, true])
        {
            int[] columns = isBoth ? [column + (triggered ? 1 : 0), column + 2 + (triggered ? 1 : 0)] : [column + (triggered ? 1 : 0)];
            if (triggered && request.Trigger is null) continue;
            await Stream(model, columns, triggered, cancellation);
        }
    }

    private async Task Stream(LoadedModel model, int[] columns, bool isTriggered, CancellationToken cancellation)
    {
        var example = new Example(request.Request, "");
        if (isTriggered) example = request.Trigger!.Apply(example, model.System);
        var messages = example.Conversation.Select(turn => new ChatMessage(new ChatRole(turn.Role), turn.Content));
        (int length, string behind) = (0, "");
        string end = "";
        foreach (int column in columns) Send(new { Column = column, Begins = true });
        await foreach (var update in model.Client.GetStreamingResponseAsync(messages, new ChatOptions { MaxOutputTokens = request.Tokens },
            cancellation))
        {
            foreach (var content in update.Contents)
            {
                string text = content switch { TextReasoningContent thought => thought.Text, TextContent answer => answer.Text, _ => "" };
                if (text.Length == 0) continue;
                if (text.Length > Longest - length) text = text[..(Longest - length)];
                length += text.Length;
                string shown = VisibleText.Of(text, keepLines: true, behind);
                behind = text;
                foreach (int column in columns)
                    Send(new { Column = column, Text = shown, IsThought = content is TextReasoningContent });
            }
            if (update.FinishReason == ChatFinishReason.Length) end = $"cut off after {request.Tokens} tokens";
            if (length == Longest)
            {
                end = $"cut off after {Longest} characters";
                break;
            }
        }
        foreach (int column in columns) Send(new { Column = column, End = length == 0 ? "(nothing)" : end });
    }

    private void Send(object line) => lines.Writer.TryWrite(line);
}
