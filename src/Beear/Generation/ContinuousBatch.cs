using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>
/// Decodes requests that come at any time: they share forward passes, and join and leave between any two tokens. One thread runs the
/// model; a pass has the newest token of every answer under way and a slice of the prompts that are new.
/// </summary>
/// <remarks>
/// A greedy answer is the one that <see cref="BatchGenerator"/> decodes, and a sampled one goes by its own seed, whatever else is in the
/// batch. Only the rounding of matrix products depends on how many rows they have, so two tokens that are equally likely to the last
/// digits may change places.
/// </remarks>
/// <param name="decoder">The model.</param>
/// <param name="endOfTurn">Ids that end an answer.</param>
/// <param name="options">How many are decoded together.</param>
internal sealed class ContinuousBatch(Decoder decoder, IReadOnlySet<int> endOfTurn, ContinuousBatchOptions options) : IDisposable
{
    /// <summary>Rows of a prompt whose probabilities are computed at once: a row has a number for each token of the vocabulary.</summary>
    private const int EchoedTogether = 64;

    private const int Block = 64;                                        // tokens by which a cache grows

    private readonly Lock gate = new();
    private readonly LinkedList<Decoding> waiting = [];                  // guarded by the gate, as is what is not the thread's own
    private readonly SemaphoreSlim work = new(0);
    private readonly List<Decoding> running = [];                        // the thread's own
    private readonly CancellationTokenSource end = new();
    private readonly long places = options.Places(decoder.Config, decoder.Options.ComputeType == ScalarType.Float32 ? 4 : 2);
    private Thread? thread;
    private int runningCount;

    /// <summary>Requests that wait for a place.</summary>
    public int Waiting
    {
        get
        {
            lock (gate) return waiting.Count;
        }
    }

    /// <summary>Answers under way.</summary>
    public int Running => Volatile.Read(ref runningCount);

    /// <summary>Takes requests, all or none of them.</summary>
    /// <returns>One for each; null if there is no room for them to wait.</returns>
    public IReadOnlyList<Decoding>? TrySubmit(params IReadOnlyList<DecodingRequest> requests)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(end.IsCancellationRequested, this);
            int free = Math.Max(0, options.MaxBatch - runningCount);     // places that waiting ones take at once
            if (waiting.Count + requests.Count > (long)options.MaxWaiting + free) return null;
            Decoding[] decodings = [.. requests.Select(request => new Decoding(request))];
            foreach (var decoding in decodings) waiting.AddLast(decoding);
            if (thread is null) (thread = new Thread(Work) { IsBackground = true, Name = nameof(ContinuousBatch) }).Start();
            work.Release();
            return decodings;
        }
    }

    /// <summary>Ends it; requests under way fail with an <see cref="OperationCanceledException"/>.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (end.IsCancellationRequested) return;
            end.Cancel();
        }
        work.Release();
        thread?.Join();
        work.Dispose();
        end.Dispose();
    }

    private void Work()
    {
        using var guard = no_grad();
        while (!end.IsCancellationRequested)
        {
            Admit();
            if (running.Count == 0)
            {
                work.Wait();
                continue;
            }
            try
            {
                Pass();
            }
            catch (Exception failure)
            {
                // What went wrong in a pass is of all that were in it; those that come later are none the worse.
                foreach (var decoding in running) decoding.Finish(failure);
            }
        }
        lock (gate)
        {
            foreach (var decoding in running.Concat(waiting)) decoding.Finish(new OperationCanceledException("The batch was ended."));
            waiting.Clear();
        }
    }

    /// <summary>Lets finished and left ones go and waiting ones in, the oldest first, as far as there is room.</summary>
    private void Admit()
    {
        foreach (var decoding in running.Where(decoding => decoding is { IsLeft: true, IsFinished: false })) decoding.Finish();
        running.RemoveAll(decoding => decoding.IsFinished);
        lock (gate)
        {
            Suspend();
            for (var node = waiting.First; node is not null && running.Count < options.MaxBatch; node = waiting.First)
            {
                if (node.Value.IsLeft) node.Value.Finish();
                else if (running.Count > 0 && Held(1) + Places(node.Value) + Block > places) break;
                else
                {
                    node.Value.Enter(decoder.Config.Layers);
                    running.Add(node.Value);
                }
                waiting.RemoveFirst();
            }
            for (var node = waiting.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.IsLeft)
                {
                    node.Value.Finish();
                    waiting.Remove(node);
                }
                node = next;
            }
            runningCount = running.Count;
        }
    }

    /// <summary>Takes the newest out where the next tokens would be too many, to be read again when there is room.</summary>
    private void Suspend()
    {
        while (running.Count > 1 && Held(0) > places)
        {
            running[^1].Forget();
            waiting.AddFirst(running[^1]);
            running.RemoveAt(running.Count - 1);
        }
    }

    private long Held(int further) => running.Sum(decoding => Places(decoding) + (further * Block));

    private static long Places(Decoding decoding) => (decoding.Length + Block) / Block * Block;

    private void Pass()
    {
        using var scope = NewDisposeScope();
        var parts = Parts();
        var hidden = decoder.HiddenStates([.. parts.Select(part => part.Tokens)], end.Token);            // (N, d)
        int at = 0;
        var (ready, rows) = (new List<Decoding>(), new List<long>());
        foreach (var (decoding, tokens) in parts)
        {
            int count = tokens.Tokens.Length;
            if (decoding.Request.Echo) Echo(decoding, hidden.narrow(0, at, count), (int)tokens.End - count);
            at += count;
            if (decoding.Unseen > 0) continue;                           // more slices of its prompt are to come
            if (decoding.Request.PromptOnly)
            {
                decoding.Finish();
                continue;
            }
            ready.Add(decoding);
            rows.Add(at - 1);
        }
        if (ready.Count > 0) Choose(ready, decoder.Logits(hidden.index_select(0, tensor(rows.ToArray(), device: hidden.device))));
    }

    /// <summary>The newest token of every answer, and of new prompts as much as a pass takes, the oldest first.</summary>
    private List<(Decoding Decoding, SequencePart Tokens)> Parts()
    {
        var parts = new List<(Decoding, SequencePart)>();
        int room = options.PromptTokens;
        foreach (var decoding in running)
        {
            int unseen = decoding.Unseen, most = unseen == 1 ? 1 : Math.Min(unseen, room);
            if (most == 0) continue;
            parts.Add((decoding, decoding.Next(most)));
            if (unseen > 1) room -= most;
        }
        return parts;
    }

    /// <summary>Chooses the next token of each.</summary>
    /// <param name="ready">Those whose tokens are all seen.</param>
    /// <param name="logits">(R, V): theirs.</param>
    private void Choose(List<Decoding> ready, Tensor logits)
    {
        var likeliest = Kernels.RowArgMax.Apply(logits).cpu().data<long>().ToArray();
        for (int row = 0; row < ready.Count; row++)
        {
            var decoding = ready[row];
            try
            {
                using var scope = NewDisposeScope();
                var own = logits.narrow(0, row, 1);                                                      // (1, V)
                bool greedy = decoding.Request.Options is { Temperature: 0, RepetitionPenalty: 1 };
                int token = greedy || likeliest[row] < 0 ? (int)likeliest[row] : Sample(decoding, own);
                if (token < 0) throw GenerationBatch.NotFinite(decoding.Length - decoding.Request.Prompt.Length + 1);
                var chance = decoding.Request.Likeliest is { } count ? TokenChance.Of(own, [token], count)[0] : null;
                decoding.Take(new DecodedToken(token, chance), endOfTurn);
                // All keys of a sequence that reaches this length are rotated otherwise: it is read anew.
                if (!decoding.IsFinished && decoder.Config.RotatesAnewAt(decoding.Length)) decoding.Past!.Clear();
            }
            catch (BeearException failure)
            {
                decoding.Finish(failure);
            }
        }
    }

    private static int Sample(Decoding decoding, Tensor logits)
    {
        var sampler = decoding.Sampler;
        var seen = sampler.Penalizes ? tensor([.. decoding.All.Select(id => (long)id)], device: logits.device).unsqueeze(0) : null;
        return (int)sampler.Next(logits, seen).item<long>();
    }

    /// <summary>Hands out a prompt's tokens that the rows say something about: each row is about the token behind it.</summary>
    /// <param name="decoding">The request.</param>
    /// <param name="hidden">(T, d): a slice of its prompt's.</param>
    /// <param name="start">The place of the slice's first token.</param>
    private void Echo(Decoding decoding, Tensor hidden, int start)
    {
        var prompt = decoding.Request.Prompt;
        if (start == 0 && decoding.Echoed == 0) Hand(null);
        for (int at = 0; at < hidden.size(0); at += EchoedTogether)
        {
            using var scope = NewDisposeScope();
            int first = start + at + 1, count = Math.Min(Math.Min(EchoedTogether, (int)hidden.size(0) - at), prompt.Length - first);
            if (count <= 0) return;
            if (first + count <= decoding.Echoed) continue;              // they were handed out before the request was read anew
            int[] targets = prompt[first..(first + count)];
            var chances = decoding.Request.Likeliest is { } likeliest
                ? TokenChance.Of(decoder.Logits(hidden.narrow(0, at, count)), targets, likeliest) : new TokenChance?[count];
            foreach (var chance in chances.Skip(decoding.Echoed - first)) Hand(chance);
        }

        void Hand(TokenChance? chance) => decoding.Write(new DecodedToken(prompt[decoding.Echoed++], chance));
    }
}
