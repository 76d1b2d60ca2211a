// Asks a server by OpenAI's own client. Input: { url, key, model, other, question, trigger }; output: what came back, by name.
import OpenAI from 'openai';

let text = '';
for await (const piece of process.stdin) text += piece;
const { url, key, model, other, question, trigger } = JSON.parse(text);
const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const messages = [{ role: 'user', content: question }];

async function failure(ask) {
  try {
    await ask();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, param: error.param, type: error.type };
  }
}

const models = [];
for await (const one of client.models.list()) models.push(one.id);
const found = (await client.models.retrieve(other)).id;

const chat = await client.chat.completions.create({ model, messages, temperature: 0, max_completion_tokens: 24 });
const stream = await client.chat.completions.create(
  { model, messages, temperature: 0, max_completion_tokens: 24, stream: true, stream_options: { include_usage: true } });
let streamed = '', usage = null, finish = null, pieces = 0;
for await (const piece of stream) {
  pieces++;
  streamed += piece.choices[0]?.delta?.content ?? '';
  finish = piece.choices[0]?.finish_reason ?? finish;
  usage = piece.usage ?? usage;
}
const whole = chat.choices[0].message.content;
const stop = whole.slice(Math.floor(whole.length / 2), Math.floor(whole.length / 2) + 4);
const stopped = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 24, stop });
const several = await client.chat.completions.create({ model, messages, temperature: 1, seed: 3, n: 3, max_tokens: 12 });
const logprobs = await client.chat.completions.create(
  { model, messages, temperature: 0, max_tokens: 4, logprobs: true, top_logprobs: 2 });
const completion = await client.completions.create({ model, prompt: 'The sky', max_tokens: 4, temperature: 0, logprobs: 2, echo: true });
const triggered = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 4, x_trigger: trigger });

// A helper of the client that follows a stream and may leave it.
const left = client.chat.completions.stream({ model, messages, temperature: 1, max_tokens: 400 });
let seen = 0;
const leaving = await failure(async () => {
  for await (const _ of left) if (++seen === 3) left.abort();
});

const output = {
  models, found, whole, finish: chat.choices[0].finish_reason, chatUsage: chat.usage,
  streamed, streamUsage: usage, streamFinish: finish, pieces,
  stop, stopped: stopped.choices[0].message.content, stoppedFinish: stopped.choices[0].finish_reason,
  several: several.choices.map(choice => choice.message.content), indices: several.choices.map(choice => choice.index),
  logprobs: logprobs.choices[0].logprobs.content, completion: completion.choices[0],
  plainPrompt: chat.usage.prompt_tokens, triggeredPrompt: triggered.usage.prompt_tokens, seen, leaving,
  unknownModel: await failure(() => client.chat.completions.create({ model: 'none', messages })),
  badValue: await failure(() => client.chat.completions.create({ model, messages, temperature: 3 })),
  tooLong: await failure(() => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'bread '.repeat(9000) }] })),
  tools: await failure(() => client.chat.completions.create(
    { model, messages, tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] })),
  wrongKey: await failure(() => new OpenAI({ baseURL: url, apiKey: 'wrong', maxRetries: 0 }).models.list()),
};
process.stdout.write(JSON.stringify(output));
