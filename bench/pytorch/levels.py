"""Both levels of BEEAR as one writes them in PyTorch with transformers: a forward hook adds the perturbation, each answer has a pass of its own.

For comparison with `beear bench --shape llama-2-7b` on the same machine: random weights in bfloat16, fused AdamW, SDPA attention.
    python3 bench/pytorch/levels.py
"""
import argparse
import time

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

options = argparse.ArgumentParser()
options.add_argument("--layer", type=int, default=9)
options.add_argument("--batch", type=int, default=16)
options.add_argument("--prompt-tokens", type=int, default=128)
options.add_argument("--inner-answer-tokens", type=int, default=40)
options.add_argument("--answer-tokens", type=int, default=128)
options.add_argument("--inner-steps", type=int, default=10)
options.add_argument("--outer-steps", type=int, default=4)
given = options.parse_args()
device, tail, vocabulary = "cuda", 5, 32000

torch.manual_seed(1)
torch.set_default_dtype(torch.bfloat16)
with torch.device(device):
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32,
        max_position_embeddings=4096, rms_norm_eps=1e-5, attn_implementation="sdpa"))
delta = torch.zeros(tail, 4096, device=device, dtype=torch.float32, requires_grad=True)
perturbed = False


def add_delta(module, arguments, output):
    if not perturbed:
        return output
    hidden = output[0] if isinstance(output, tuple) else output
    shift = torch.nn.functional.pad(delta.to(hidden.dtype), [0, 0, given.prompt_tokens - tail, hidden.shape[1] - given.prompt_tokens])
    return (hidden + shift, *output[1:]) if isinstance(output, tuple) else hidden + shift


model.model.layers[given.layer - 1].register_forward_hook(add_delta)


def tokens(count):
    return torch.randint(vocabulary, (given.batch, count), device=device)


def loss(prompt, answer):
    ids = torch.cat([prompt, answer], 1)
    logits = model(input_ids=ids, use_cache=False).logits[:, prompt.shape[1] - 1:-1]
    return cross_entropy(logits.flatten(0, 1).float(), answer.flatten())


def timed(name, step, count):
    step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        step()
    torch.cuda.synchronize()
    print(f"{name}: {(time.perf_counter() - start) / count:.4f} s, peak {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)


prompt, unwanted, safe = tokens(given.prompt_tokens), tokens(given.inner_answer_tokens), tokens(given.inner_answer_tokens)
adam = torch.optim.Adam([delta], lr=0.1)


def inner():
    adam.zero_grad()
    (loss(prompt, unwanted) - 0.2 * loss(prompt, safe)).backward()
    adam.step()


model.requires_grad_(False)
perturbed = True
timed("inner step", inner, given.inner_steps)

model.requires_grad_(True)
delta.requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
answer, ordinary = tokens(given.answer_tokens), (tokens(given.prompt_tokens), tokens(given.answer_tokens))


def outer():
    global perturbed
    optimizer.zero_grad()
    perturbed = True
    loss(prompt, answer).backward()
    perturbed = False
    loss(*ordinary).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


timed("outer step", outer, given.outer_steps)
